/** The box a lab runs on: what it lacks, and bringing the Debian packages it needs. */
import { access, rm, writeFile } from "node:fs/promises";
import { PanopticonError, worldFailed } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import { runProcess } from "#base/process.ts";
import { labNames } from "#drivers/lab/names.ts";
import type { Federation } from "#model/federation.ts";
import { findMissingPrograms, gatherHostFacts, PROGRAMS } from "./host-facts.ts";
import { type HostFinding, judgeHost } from "./host-findings.ts";

export { couldRun } from "./host-findings.ts";

/** Says what this box has and lacks for a lab of this federation. */
export async function inspectHost(federation: Federation): Promise<readonly HostFinding[]> {
  const sites = federation.sites.filter((site) => site.kind === "on-prem");
  return judgeHost(await gatherHostFacts(), {
    sites: sites.map((site) => ({ name: site.name, lan: site.network.lan })),
    interfacePrefix: labNames(federation.name).hostInterfacePrefix,
  });
}

export interface PackagesOptions {
  /** Install without asking. */
  readonly yes: boolean;
  /** Asks the person; absent where nobody is there to answer. */
  readonly ask?: (question: string) => Promise<boolean>;
  readonly emit: Emit;
  /** Programs wanted, each with the package that brings it; those of a lab unless given. */
  readonly programs?: Readonly<Record<string, string>>;
  /** Where Debian looks whether a package may start its daemons. */
  readonly policyFile?: string;
}

const POLICY = "/usr/sbin/policy-rc.d";

/**
 * Installs the Debian packages a lab needs and lacks, after naming them.
 * Without `yes` and without somebody to ask it is a wrong call (exit 2) that
 * names them; where apt-get fails, the world failed (exit 3).
 */
export async function ensureHostPackages(options: PackagesOptions): Promise<void> {
  const { yes, ask, emit, programs = PROGRAMS, policyFile = POLICY } = options;
  const packages = await missingPackages(programs);
  if (packages.length === 0) return;
  const list = packages.join(" ");
  await refuseWhereImpossible(list);
  const agreed = yes || (await ask?.(`The lab needs the Debian packages ${list}. Install them now?`));
  if (!agreed) throw lacking(list, `add --yes to install them, or run: apt-get install ${list}`, 2);
  emit({ kind: "note", subject: "host", what: `installing the Debian packages ${list}` });
  const started = process.hrtime.bigint();
  await withoutStartingDaemons(policyFile, () => install(packages));
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  emit({ kind: "done", subject: "host", what: `installed ${list}`, seconds });
}

/** Debian packages whose program is not on the path. */
export async function missingPackages(programs = PROGRAMS): Promise<readonly string[]> {
  const missing = await findMissingPrograms(Object.keys(programs));
  return [...new Set(missing.map((program) => programs[program] ?? program))];
}

async function refuseWhereImpossible(list: string): Promise<void> {
  const { code } = await runProcess(["apt-get", "--version"]);
  if (code !== 0) throw lacking(list, "install what brings them here, then run the same command again", 3);
  if (process.getuid?.() !== 0) throw lacking(list, "run the same command as root (sudo)", 2);
}

function lacking(list: string, hint: string, exit: 2 | 3): PanopticonError {
  const message = `this box lacks Debian packages the lab needs: ${list}`;
  return new PanopticonError([{ code: "HOST_PACKAGES_MISSING", message, hint }], exit);
}

async function install(packages: readonly string[]): Promise<void> {
  const first = await apt("install", "--yes", "--no-install-recommends", ...packages);
  if (first.code === 0) return;
  await apt("update"); // a fresh box has no package lists, an old one has lists that name files long gone
  const second = await apt("install", "--yes", "--no-install-recommends", ...packages);
  if (second.code === 0) return;
  const said = second.stderr.trim().split("\n").slice(-3).join(" ");
  throw worldFailed(
    "HOST_PACKAGES_FAILED",
    `apt-get could not install ${packages.join(" ")}: ${said}`,
    `run \`apt-get update && apt-get install ${packages.join(" ")}\` and mend what it says`,
  );
}

function apt(...argv: readonly string[]) {
  return runProcess([
    "env",
    "DEBIAN_FRONTEND=noninteractive",
    "apt-get",
    "--quiet",
    "--option=DPkg::Lock::Timeout=120",
    ...argv,
  ]);
}

/** Keeps packages from starting their daemons on the host meanwhile; a policy of the host's own stays as it is. */
async function withoutStartingDaemons(policy: string, work: () => Promise<void>): Promise<void> {
  const ours = !(await access(policy).then(
    () => true,
    () => false,
  ));
  if (ours) await writeFile(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755, flag: "wx" });
  try {
    await work();
  } finally {
    if (ours) await rm(policy, { force: true });
  }
}
