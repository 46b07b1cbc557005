/**
 * A machine's settings brought to their plan, as `apply` does it; run as a program,
 * since what it reaches is in the LAN only.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PanopticonError } from "#base/errors.ts";
import { mustRun } from "#base/process.ts";
import { openSshShell } from "#drivers/ssh/shell.ts";
import { openXen } from "#drivers/xen/driver.ts";
import type { MachinePlan, Plan, SitePlan } from "#plan/plan.ts";
import type { Lan } from "./lan.ts";

export interface MendJob {
  readonly plan: Plan;
  readonly site: SitePlan;
  readonly machine: MachinePlan;
  readonly identity: string;
  readonly knownHosts: string;
}

/** What still differs on the site's servers, in words, or the code of the refusal. */
export interface Mended {
  readonly left?: readonly string[];
  readonly refused?: string;
}

export async function mendWithin(lan: Lan, job: MendJob): Promise<Mended> {
  const argv = [...lan.network, process.execPath, import.meta.filename];
  return JSON.parse(await mustRun("TEST", argv, JSON.stringify(job))) as Mended;
}

async function mend({ plan, site, machine, identity, knownHosts }: MendJob): Promise<Mended> {
  const shell = openSshShell({
    keyFile: identity,
    knownHostsFile: knownHosts,
    addressOf: (address) => address,
    controlDir: join(tmpdir(), `panopticon-${process.getuid?.() ?? 0}`),
  });
  const xen = openXen({
    federation: plan.federation,
    shell,
    hostOf: (of, name) => of.servers.find((server) => server.name === name)?.address ?? "",
    imageOf: () => Promise.reject(new RangeError("nothing is made anew here")),
  });
  try {
    await xen.mend(site, machine);
    return { left: (await xen.drift(site)).flatMap(({ what }) => what) };
  } catch (error) {
    if (!(error instanceof PanopticonError)) throw error;
    return { refused: error.problems[0]?.code ?? "" };
  } finally {
    await shell.close();
  }
}

async function main(): Promise<void> {
  let text = "";
  for await (const chunk of process.stdin) text += String(chunk);
  const mended = JSON.stringify(await mend(JSON.parse(text) as MendJob));
  await new Promise((resolve) => process.stdout.write(mended, resolve)); // oxlint-disable-line no-restricted-properties
}

if (process.argv[1] === import.meta.filename) await main();
