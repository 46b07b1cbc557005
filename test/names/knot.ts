/** A real Knot with what we render for an ECAM, in a folder of its own instead of the machine's. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runProcess } from "#base/process.ts";
import { openNameServer } from "#drivers/dns/server.ts";
import type { TsigKey } from "#drivers/dns/tsig.ts";
import { labPlatform } from "#render/files.ts";
import { knotFiles, tsigFile, tsigName } from "#render/ecam/knot.ts";
import { importZoneKey, ZONE_KEY_RUNNING } from "#render/ecam/signing.ts";
import type { Plan, SitePlan } from "#plan/plan.ts";
import type { NameServer } from "#ports/names.ts";

const START_MS = 10_000;

export interface KnotOptions {
  readonly knotd: string;
  readonly plan: Plan;
  readonly site: SitePlan;
  /** Name of an ECAM. */
  readonly machine: string;
  /** Addresses as Knot's `listen` has them, such as `127.0.0.1@5300`; those of the plan where not given. */
  readonly listen?: readonly string[];
  /** Goes before its own words, such as `ip netns exec NAME`. */
  readonly prefix?: readonly string[];
  /** PEM; where the plan's zone is signed. */
  readonly zoneKey?: string;
}

export interface Knot {
  readonly folder: string;
  readonly configuration: string;
  readonly zoneFile: string;
  readonly key: TsigKey;
  start(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Its files by another plan, read at the next start. */
  rewrite(plan: Plan): void;
  log(): string;
  /** Ends it and removes its folder. */
  remove(): Promise<void>;
}

/** Writes its files; it does not run yet. */
export function makeKnot(options: KnotOptions): Knot {
  const { knotd, site, prefix = [] } = options;
  const folder = mkdtempSync(join(tmpdir(), "panopticon-knot-"));
  const secret = Buffer.alloc(32, site.name);
  writeFileSync(join(folder, "tsig.conf"), tsigFile(site, secret.toString("base64")), { mode: 0o600 });
  for (const name of ["run", "db"]) mkdirSync(join(folder, name));
  if (options.zoneKey !== undefined)
    writeFileSync(join(folder, "zone-key.pem"), options.zoneKey, { mode: 0o600 });
  const configuration = join(folder, "knot.conf");
  const zoneFile = join(folder, `${options.plan.domain}.zone`);
  let { plan } = options;
  const rewrite = (next: Plan): void => {
    plan = next;
    const text = knotTexts(plan, site, options.machine);
    writeFileSync(zoneFile, text(".zone"));
    writeFileSync(configuration, moved(text("knot.conf"), folder, options.listen));
  };
  rewrite(plan);
  const log = join(folder, "log");
  let child: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
  };
  return {
    folder,
    configuration,
    zoneFile,
    key: { name: tsigName(site), secret },
    rewrite,
    async start() {
      if (plan.dnssec) await importKey(plan.domain, configuration, folder);
      const output = openSync(log, "w");
      const argv = [...prefix, knotd, "-c", configuration];
      // The program ends with the test that started it, however that one ends.
      child = spawn("setpriv", ["--pdeathsig", "KILL", "--", ...argv], { stdio: ["ignore", output, output] });
      closeSync(output);
      const end = performance.now() + START_MS;
      while (!readFileSync(log, "utf8").includes("server started")) {
        if (child.exitCode !== null || performance.now() > end)
          throw new Error(`knotd did not start:\n${readFileSync(log, "utf8")}`);
        await sleep(20);
      }
    },
    kill,
    log: () => readFileSync(log, "utf8"),
    async remove() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The rendered file whose path ends so. */
function knotTexts(plan: Plan, site: SitePlan, name: string): (end: string) => string {
  const machine = site.machines.find((one) => one.name === name);
  if (!machine) throw new Error(`no machine ${name}`);
  const files = knotFiles({ plan, site, machine, platform: labPlatform("v1") });
  return (end) => files.find(({ path }) => path.endsWith(end))?.content ?? "";
}

/** As the unit does it before Knot starts. */
async function importKey(domain: string, configuration: string, folder: string): Promise<void> {
  const [keymgr = "", ...words] = importZoneKey(domain);
  const argv = words.map((word) => word.replace(dirname(ZONE_KEY_RUNNING), folder));
  const { code, stderr } = await runProcess([keymgr, "-c", configuration, ...argv]);
  if (code !== 0) throw new Error(`keymgr: ${stderr}`);
}

/** The same configuration for another folder, and as whoever runs the test. */
export function moved(text: string, folder: string, listen?: readonly string[]): string {
  return text
    .replace(/^ *user: .*\n/m, "")
    .replace(/listen: .*/, (line) =>
      listen ? `listen: [ ${listen.map((one) => `"${one}"`).join(", ")} ]` : line,
    )
    .replaceAll("/run/knot/tsig.conf", join(folder, "tsig.conf"))
    .replaceAll('"/run/knot"', `"${join(folder, "run")}"`)
    .replaceAll("/var/lib/knot", join(folder, "db"))
    .replaceAll("/etc/knot", folder);
}

/** As steering opens it. */
export function openKnot(
  knot: Pick<Knot, "key">,
  port: number,
  change: { readonly key?: TsigKey; readonly seconds?: () => number } = {},
): NameServer {
  const at = { name: "attic-ecam-1", address: "127.0.0.1", port, zone: "home.test", timeoutMs: 1000 };
  return openNameServer({ ...at, key: knot.key, ...change });
}
