/** What a replacement comes to on paper: which machines move, and that nothing else does. */
import { PanopticonError, wrongUse } from "#base/errors.ts";
import type { ReplaceRecord } from "#lifecycle/replace/record.ts";
import type { FederationFile } from "#model/federation.ts";
import { makePlan } from "#plan/make.ts";
import type { Plan } from "#plan/plan.ts";
import { machinesOn, misfit, type Replacement, takenOver } from "#plan/replacement.ts";

/** SITE/SERVER and SITE/SERVER, or SERVER for the second; SERVER_REPLACE_NAMES (exit 2). */
export function readReplacement(old: string, fresh: string): Replacement {
  const [site = "", server = "", ...rest] = old.split("/");
  const other = fresh.includes("/") ? fresh.split("/") : [site, fresh];
  const [otherSite, otherServer = ""] = other;
  if (!site || !server || rest.length > 0 || other.length !== 2 || otherSite !== site || !otherServer) {
    throw wrongUse(
      "SERVER_REPLACE_NAMES",
      `${old} and ${fresh} are no two servers of one site.`,
      "Servers are called SITE/SERVER, such as attic/left; the new one stands at the same site.",
    );
  }
  return { site, old: server, fresh: otherServer };
}

/**
 * The plan after the replacement. Errors (exit 2): SERVER_REPLACE_UNKNOWN, …_UNDER_WAY,
 * …_OLD_IN_FILE, …_NEW_NOT_IN_FILE, …_NEW_IN_USE; (exit 1) …_NO_FIT, …_MORE.
 */
export async function planReplacement(
  file: FederationFile,
  previous: Plan,
  order: Replacement,
  record: ReplaceRecord | undefined,
): Promise<Plan> {
  refuseOther(order, record);
  const site = file.federation.sites.find(({ name }) => name === order.site);
  const known = previous.sites.find(({ name }) => name === order.site);
  if (!site || !known || known.kind !== "on-prem") throw unknownSite(order, previous);
  const inFile = site.servers.map(({ name }) => name);
  const planned = known.servers.map(({ name }) => name);
  if (!record && !planned.includes(order.old)) throw unknownServer(order, planned);
  if (order.old !== order.fresh) {
    if (inFile.includes(order.old)) throw oldInFile(order, inFile);
    if (!record && planned.includes(order.fresh)) throw newInUse(order);
  }
  if (!inFile.includes(order.fresh)) throw newNotInFile(order, inFile);
  const before = takenOver(previous, order);
  const machines = record?.machines ?? machinesOn(before, order.site, order.fresh).map(({ name }) => name);
  const plan = await makePlan(file, before);
  refuseMisfit(before, plan, order, machines);
  return plan;
}

function refuseOther(order: Replacement, record: ReplaceRecord | undefined): void {
  if (!record) return;
  const { site, old, fresh } = record;
  if (site === order.site && old === order.old && fresh === order.fresh) return;
  throw wrongUse(
    "SERVER_REPLACE_UNDER_WAY",
    `${old} of ${site} is being replaced, and that was cut off.`,
    `Go on with it first: panopticon server replace ${site}/${old} ${site}/${fresh} FILE`,
  );
}

function unknownSite({ site }: Replacement, previous: Plan): PanopticonError {
  const names = previous.sites.filter(({ kind }) => kind === "on-prem").map(({ name }) => name);
  return wrongUse(
    "SERVER_REPLACE_UNKNOWN",
    `no site called ${site} with servers was brought up from here and is in the file.`,
    `There are ${names.join(", ")}.`,
  );
}

function unknownServer({ site, old }: Replacement, planned: readonly string[]): PanopticonError {
  return wrongUse(
    "SERVER_REPLACE_UNKNOWN",
    `${site} has no server called ${old}.`,
    `Its servers are ${planned.join(", ")}. Has ${old} been replaced already?`,
  );
}

function oldInFile({ site, old, fresh }: Replacement, inFile: readonly string[]): PanopticonError {
  const how = inFile.includes(fresh)
    ? `Remove ${old} from the servers of ${site}: ${fresh} takes its place.`
    : `Write ${fresh} in the place of ${old}: its name, processors, memory, disks and address (\`panopticon server adopt HOST\` prints them).`;
  return wrongUse(
    "SERVER_REPLACE_OLD_IN_FILE",
    `the file still has the server ${old} of ${site}, which is to be replaced by ${fresh}.`,
    `${how} If ${old} stays its name, on new hardware: panopticon server replace ${site}/${old} ${site}/${old} FILE`,
  );
}

function newNotInFile({ site, fresh }: Replacement, inFile: readonly string[]): PanopticonError {
  return wrongUse(
    "SERVER_REPLACE_NEW_NOT_IN_FILE",
    `the file has no server called ${fresh} at ${site}.`,
    `Its servers there are ${inFile.join(", ")}. \`panopticon server adopt HOST\` prints the block of a new one.`,
  );
}

function newInUse({ site, fresh }: Replacement): PanopticonError {
  return wrongUse(
    "SERVER_REPLACE_NEW_IN_USE",
    `${fresh} of ${site} has machines of its own already.`,
    "Name a server that is new in the file. To go on with fewer servers take the dead one out of the file, and `panopticon apply FILE`.",
  );
}

function refuseMisfit(before: Plan, plan: Plan, order: Replacement, machines: readonly string[]): void {
  const { lost, beside } = misfit(before, plan, order, machines);
  const subject = `${order.site}/${order.fresh}`;
  if (lost.length > 0) {
    throw new PanopticonError(
      [
        {
          code: "SERVER_REPLACE_NO_FIT",
          subject,
          message: `${order.fresh} can't take over all machines of ${order.old} as they are: ${lost.join("; ")}.`,
          hint: "Give it what the old one had in the file: its role, workers, memory, processors and disks.",
        },
      ],
      1,
    );
  }
  if (beside.length === 0) return;
  throw new PanopticonError(
    [
      {
        code: "SERVER_REPLACE_MORE",
        subject,
        message: `the file asks for more than the replacement: ${beside.join("; ")}.`,
        hint: "Put that back as it was, replace the server, and then apply the rest.",
      },
    ],
    1,
  );
}
