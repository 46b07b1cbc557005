/** A dry run of `apply` on recorded servers, and what it asked them. */
import type { RecordedServers } from "./ground.ts";
import type { Apart } from "./recording.ts";
import type { Asked } from "./sshd.ts";

/** Every server has an ECAM that only a restart brings to its plan: the guard is asked for each. */
export function everyOneDrifted(servers: number): Readonly<Record<string, Apart>> {
  const names = Array.from({ length: servers }, (_, index) => `shed-ecam-${index + 1}`);
  return Object.fromEntries(names.map((name) => [name, { vcpus: 2 }]));
}

/** Until machines and their settings: what comes after asks the machines, and those are not recorded. */
export const DRY_RUN = ["--dry-run", "--until", "settings"];

/** Runs it once to its end; throws where it does not find what there is to find. */
export async function dryRun(ground: RecordedServers): Promise<Asked> {
  const { asked, file, identity, knownHosts, site } = ground;
  Object.assign(asked, { connections: 0, commands: 0, most: asked.now });
  const access = ["--identity", identity, "--known-hosts", knownHosts];
  const { code, stdout, stderr } = await ground.run(["apply", file, ...DRY_RUN, ...access, "-o", "json"]);
  const ecams = site.machines.filter(({ role }) => role === "ecam");
  if (code !== 0 || JSON.parse(stdout).changes !== ecams.length) {
    throw new Error(`the dry run ended with ${code}: ${stderr}${stdout}`);
  }
  return { ...asked };
}
