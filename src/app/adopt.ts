/** The operator's machine was lost: its state folder is built anew from what the sites keep. */
import { join } from "node:path";
import { wrongUse } from "#base/errors.ts";
import type { Emit } from "#base/events.ts";
import { withLock } from "#components/lock.ts";
import { runningInLab } from "#drivers/lab/door.ts";
import type { FederationFile } from "#model/federation.ts";
import { diffPlans } from "#plan/difference.ts";
import { makePlan } from "#plan/make.ts";
import type { Plan } from "#plan/plan.ts";
import { adoptLab } from "./adopt-lab.ts";
import { adoptServers } from "./adopt-servers.ts";
import type { AdoptedSite } from "./adopt-state.ts";
import { stateHome } from "./folders.ts";
import type { GroundKind } from "./ground.ts";
import { exclusively, requireRoot } from "./lab.ts";
import type { ServerAccess } from "./server-access.ts";

export interface AdoptResult {
  readonly ground: GroundKind;
  readonly plan: Plan;
  readonly sites: readonly AdoptedSite[];
  /** Files of the state folder that were written. */
  readonly written: number;
  /** What the file asks for beside what is there, in words. */
  readonly differs: readonly string[];
}

/** A lab where one of this name runs on this box, else the file's servers. Errors: ADOPT_…, PKI_…, SSH_…. */
export async function adoptFile(
  file: FederationFile,
  access: ServerAccess,
  emit: Emit,
): Promise<AdoptResult> {
  const { name, sites } = file.federation;
  const up = await runningInLab(name);
  if (up.length > 0) {
    requireRoot();
    return exclusively(name, emit, async () => result(file, "lab", await adoptLab(file, up, emit)));
  }
  const servers = sites.flatMap((site) => (site.kind === "on-prem" ? site.servers : []));
  if (servers.some(({ address }) => address === undefined)) {
    throw wrongUse(
      "ADOPT_NOTHING_RUNS",
      `no machine of a lab of ${name} runs on this box, and the file does not say where its servers are reached.`,
      "A lab is adopted on the box that it runs on; sites on servers by their servers' `address:`.",
    );
  }
  const onWait = (pid: number) =>
    emit({ kind: "note", subject: name, what: `another run (process ${pid}) works on it: waiting` });
  return withLock(join(stateHome(), `.${name}.lock`), { onWait }, async () =>
    result(file, "servers", await adoptServers(file, access, emit)),
  );
}

async function result(
  file: FederationFile,
  ground: GroundKind,
  adopted: Omit<AdoptResult, "ground" | "differs">,
): Promise<AdoptResult> {
  const next = await makePlan(file, adopted.plan);
  const differs = diffPlans(adopted.plan, next).map(
    ({ kind, subject, name }) => `${subject} ${name} ${kind}`,
  );
  return { ground, ...adopted, differs };
}
