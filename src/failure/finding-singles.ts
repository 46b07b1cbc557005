/** Findings about one component whose loss breaks a promise. */
import type { Federation } from "#model/federation.ts";
import { machinesOf, type Plan, type SitePlan } from "#plan/plan.ts";
import { broken } from "./broken.ts";
import type { SingleCode } from "./finding-codes.ts";
import type { Promised } from "./graph.ts";
import type { Finding, Severity } from "./proof.ts";
import { remedyFor } from "./remedies.ts";
import type { Single } from "./singles.ts";
import type { FaultSpread } from "./spread.ts";
import { list, whyBroken } from "./why.ts";

export function singleFinding(
  federation: Federation,
  plan: Plan,
  spread: FaultSpread,
  { component, breaks, hides }: Single,
): readonly Finding[] {
  const { id, site } = component;
  const sitePlan = plan.sites.find(({ name }) => name === site);
  const code = codeOf(federation, sitePlan, component, breaks);
  const [first] = breaks;
  if (code === undefined || first === undefined) return [];
  // The promise that says most: what is lost for all before what is lost at a site.
  const worst = breaks.find((promised) => promised.kind === "somewhere") ?? first;
  return [
    {
      code,
      severity: severityOf(breaks),
      subject: id,
      message: `${MESSAGES[code]}: without ${id}, ${list(breaks.map(broken))}`,
      breaks: breaks.map((promised) => promised.id),
      why: whyBroken(spread, worst, [id]),
      remedy: remedyFor(code, component, federation),
      hides,
    },
  ];
}

/** Undefined where a single component is as it has to be: other sites stand in, or nothing can. */
function codeOf(
  { sites, backups }: Federation,
  plan: SitePlan | undefined,
  { kind, id }: Single["component"],
  breaks: readonly Promised[],
): SingleCode | undefined {
  switch (kind) {
    case "common-cause":
      return undefined;
    case "site":
      if (sites.length === 1) return "PROVE_ONE_SITE";
      return breaks.some((promised) => promised.kind === "backup") && backups.length > 1
        ? "PROVE_BACKUPS_IN_ONE_PLACE"
        : undefined;
    case "server": {
      const carries = plan
        ? machinesOf(plan, "controlplane").filter(({ server }) => id === `server:${plan.name}/${server}`)
            .length
        : 0;
      const onlyServer = (plan?.servers.filter(({ role }) => role === "full").length ?? 0) < 2;
      const etcd = breaks.some((promised) => promised.kind === "etcd");
      return etcd && carries > 1 && !onlyServer ? "PROVE_ETCD_NEEDS_THIRD" : "PROVE_ONE_SERVER";
    }
    case "router":
      return "PROVE_ONE_ROUTER";
    case "line":
    case "address":
      return "PROVE_ONE_LINE";
    case "switch":
      return "PROVE_ONE_SWITCH";
    case "feed":
      return "PROVE_ONE_FEED";
    case "controller":
      return "PROVE_ONE_CONTROLLER";
    case "backup":
      return "PROVE_ONE_BACKUP";
    case "disk":
    case "device":
    case "machine":
    case "haproxy":
    case "keepalived":
    case "nameserver":
    case "apiserver":
    case "etcd":
    case "containerd":
      return "PROVE_ONE_COMPONENT";
  }
}

const MESSAGES: Readonly<Record<SingleCode, string>> = {
  PROVE_BACKUPS_IN_ONE_PLACE: "every backup copy stands in one place",
  PROVE_ETCD_NEEDS_THIRD: "two servers can't hold an etcd majority through the loss of either",
  PROVE_ONE_BACKUP: "there is one backup copy",
  PROVE_ONE_COMPONENT: "nothing stands in for it",
  PROVE_ONE_CONTROLLER: "too much hangs on one disk controller",
  PROVE_ONE_FEED: "too much hangs on one power feed",
  PROVE_ONE_LINE: "one internet line is one internet line",
  PROVE_ONE_ROUTER: "one router is one router",
  PROVE_ONE_SERVER: "one server is one server",
  PROVE_ONE_SITE: "one site is one place",
  PROVE_ONE_SWITCH: "too much hangs on one switch",
};

function severityOf(breaks: readonly Promised[]): Severity {
  const grave = (promised: Promised) => promised.kind === "somewhere" || promised.kind === "data";
  if (breaks.some(grave)) return "critical";
  return breaks.every(({ kind }) => kind === "outside" || kind === "changes") ? "note" : "warning";
}
