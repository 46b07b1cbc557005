/** How a person gets onto a machine: plain OpenSSH with a configuration of ours. */
import { join } from "node:path";
import { wrongUse } from "#base/errors.ts";
import { keyFolders } from "#converge/keyring.ts";
import { replaceFile } from "#converge/pki/store.ts";
import { sshConfig } from "#drivers/ssh/options.ts";
import { quoteCommand } from "#drivers/ssh/quote.ts";
import type { Plan, SitePlan } from "#plan/plan.ts";
import { stateDir } from "./folders.ts";

/**
 * The `ssh` command that opens a shell on a machine, or runs `words` there. The
 * configuration it names stays in the state folder for the person's own use.
 */
export async function shellCommand(
  plan: Plan,
  machine: string,
  words: readonly string[],
): Promise<readonly string[]> {
  const site = plan.sites.find((one) => one.machines.some(({ name }) => name === machine));
  if (!site) {
    const names = plan.sites.flatMap((one) => one.machines.map(({ name }) => name));
    throw wrongUse(
      "LAB_UNKNOWN_MACHINE",
      `there is no machine called ${machine}.`,
      `There are ${names.join(", ")}.`,
    );
  }
  const config = await writeSshConfig(plan, site);
  return ["ssh", "-F", config, machine, ...(words.length > 0 ? ["--", quoteCommand(words)] : [])];
}

async function writeSshConfig(plan: Plan, site: SitePlan): Promise<string> {
  const folders = keyFolders(stateDir(plan.federation));
  const path = join(folders.ssh, `config-${site.name}`);
  const identity = { keyFile: folders.operatorKey, knownHostsFile: folders.knownHosts(site.name) };
  await replaceFile(path, sshConfig(identity, site.machines));
  return path;
}
