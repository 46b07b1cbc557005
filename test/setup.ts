/** What the tests need of the box, brought where it may be and named where it can't. */
import { join } from "node:path";
import { readFederation } from "#app/files.ts";
import { EXAMPLES } from "#app/folders.ts";
import { ensureHostPackages, inspectHost, missingPackages } from "#app/host.ts";
import { PROGRAMS } from "#app/host-facts.ts";
import { runProcess } from "#base/process.ts";

/** Programs that judge what we render, with their Debian package; journeys run some of them. */
const VALIDATORS = {
  haproxy: "haproxy",
  keepalived: "keepalived",
  knotd: "knot",
  kdig: "knot-dnsutils",
  delv: "bind9-dnsutils",
  sshd: "openssh-server",
};
/** Their services, which must not start at the next boot because tests were run. */
const SERVICES: Readonly<Record<string, string>> = { "openssh-server": "ssh" };

/**
 * Installs the Debian packages of the lab and of the validators where this is
 * root and PANOPTICON_NO_INSTALL is not set; says what it does or what lacks.
 */
export async function preparePackages(say: (line: string) => void): Promise<void> {
  const programs = { ...PROGRAMS, ...VALIDATORS };
  const missing = await missingPackages(programs);
  if (missing.length === 0) return;
  const list = missing.join(" ");
  if (process.getuid?.() !== 0 || process.env["PANOPTICON_NO_INSTALL"]) {
    say(`the tests want the Debian packages ${list}; install them with: apt-get install ${list}`);
    return;
  }
  say(`the tests want the Debian packages ${list} (PANOPTICON_NO_INSTALL=1 keeps them away)`);
  await ensureHostPackages({
    yes: true,
    programs,
    emit: (event) => {
      if (event.kind === "note") say(event.what);
    },
  });
  const daemons = Object.values(VALIDATORS).filter((name) => missing.includes(name));
  for (const name of daemons) await runProcess(["systemctl", "disable", SERVICES[name] ?? name]);
}

/** Why no lab can run here, in words; undefined where it can. */
export async function labObstacle(): Promise<string | undefined> {
  const { federation } = await readFederation(join(EXAMPLES, "two-sites.yaml"));
  const missing = (await inspectHost(federation)).filter((finding) => finding.state === "missing");
  if (missing.length === 0) return undefined;
  return missing.map(({ subject, what }) => `${subject}: ${what}`).join("; ");
}
