/** Findings about what a file leaves out. */
import type { Federation, Site } from "#model/federation.ts";
import { machinesOf, type Plan } from "#plan/plan.ts";
import type { FindingCode } from "./finding-codes.ts";
import type { FaultGraph } from "./graph.ts";
import type { Finding, Remedy, Severity } from "./proof.ts";
import { storageServers } from "./site.ts";
import { list } from "./why.ts";

export function siteFindings(site: Site, plan: Plan): readonly Finding[] {
  const planned = plan.sites.find(({ name }) => name === site.name);
  if (site.kind !== "on-prem" || planned === undefined) return [];
  const holders = storageServers(planned).length;
  return [
    ...(site.replicas !== undefined && holders > 0 && site.replicas > holders
      ? [
          finding("PROVE_REPLICAS_SHARE_SERVER", "warning", site.name, {
            message: `${site.name} keeps ${site.replicas} replicas of each volume on ${count(holders, "server")}: two of them fail together`,
            breaks: [`data:${site.name}`],
            why: [
              `${site.replicas} replicas are asked for`,
              `${count(holders, "server")} of ${site.name} keep volumes`,
            ],
            remedy: {
              text: `add a server, or set replicas of ${site.name} to ${holders}`,
              price: "1 server, or nothing",
              whatIf: [`+server ${site.name}/another`],
            },
          }),
        ]
      : []),
    ...(machinesOf(planned, "worker").length === 0
      ? [
          finding("PROVE_NO_WORKER", "warning", site.name, {
            message: `${site.name} has no worker: no service can run there`,
            breaks: [`outside:${site.name}`],
            why: [`no server of ${site.name} carries a worker`],
            remedy: {
              text: `set workers of a server of ${site.name} to 1 or more`,
              price: "nothing",
              whatIf: [],
            },
          }),
        ]
      : []),
  ];
}

export function federationFindings(
  federation: Federation,
  plan: Plan,
  graph: FaultGraph,
): readonly Finding[] {
  const onPrem = federation.sites.filter(({ kind }) => kind === "on-prem");
  const nameServers = plan.sites.flatMap((site) => machinesOf(site, "ecam"));
  const backup = graph.promises.filter(({ kind }) => kind === "backup").map(({ id }) => id);
  const whole = federation.name;
  return [
    ...(onPrem.length === 1 && federation.sites.length > 1
      ? [
          finding("PROVE_CROWN_ALONE", "warning", whole, {
            message: `only ${federation.crown} can hold the crown: no other site stands on your own servers`,
            breaks: ["crown"],
            why: [`${federation.crown} is lost`, "no other on-prem site holds the federation"],
            remedy: anotherSite("a second site of your own can take it over"),
          }),
        ]
      : []),
    ...witnessFindings(federation),
    ...(federation.sites.length === 2 && federation.witness === undefined
      ? [
          finding("PROVE_TWO_SITES", "warning", whole, {
            message:
              "with two sites neither is a majority: when they lose sight of each other, names stay as they are and the crown moves only when it is told to",
            breaks: [],
            why: [
              `${list(federation.sites.map(({ name }) => name))} can't see each other, or one is lost`,
              "1 of 2 is no majority",
              "the names go on pointing at both sites, and clients try the second address themselves",
            ],
            remedy: anotherSite(
              "a third site gives the third vote, or a small machine somewhere outside: `witness: {name, address}`",
            ),
          }),
        ]
      : []),
    ...(nameServers.length === 1
      ? [
          finding("PROVE_ONE_NAME_SERVER", "critical", `nameserver:${nameServers[0]?.name}`, {
            message: `${nameServers[0]?.name} runs the only name server of ${federation.domain}`,
            breaks: ["somewhere"],
            why: [`${nameServers[0]?.name} is down`, `nobody answers for ${federation.domain}`],
            remedy: {
              text: "a second full server brings a second name server",
              price: "1 server",
              whatIf: [`+server ${federation.crown}/another`],
            },
          }),
        ]
      : []),
    ...unnamed(federation),
    ...(federation.backups.length === 0
      ? [
          finding("PROVE_NO_BACKUP", "warning", whole, {
            message: "the file names no copy of the backups: what is lost stays lost",
            breaks: backup,
            why: ["there is no backup"],
            remedy: {
              text: "name the places that keep copies, one of them away from every site",
              price: "1 disk at each place",
              whatIf: ["+backup safe", `+backup nas@${federation.crown}`],
            },
          }),
        ]
      : []),
  ];
}

/** What hangs on the outside vote. */
function witnessFindings({ name, sites, witness }: Federation): readonly Finding[] {
  if (!witness) return [];
  const told = (message: string, why: readonly string[], remedy: Remedy): readonly Finding[] => [
    finding("PROVE_WITNESS", "note", name, { message, breaks: [], why, remedy }),
  ];
  if (sites.length % 2 === 1)
    return told(
      `${witness.name} has no vote on names: ${count(sites.length, "site")} alone have a majority`,
      [],
      { text: "leave it out until the sites are even in number", price: "nothing", whatIf: [] },
    );
  if (sites.length > 2) return [];
  return told(
    `names leave a site that is lost because ${witness.name} votes too; while it is away they stay as they are`,
    [
      `${witness.name} is away, and then a site is lost`,
      "1 of 3 votes is no majority",
      "the names go on pointing at both sites, and clients try the second address themselves",
    ],
    { text: "a third site votes, and serves as well", price: "1 site", whatIf: [] },
  );
}

/** What the proof can't know, said once for all sites. */
function unnamed({ name, sites }: Federation): readonly Finding[] {
  const lacking = (key: "power" | "switches") =>
    sites
      .filter(({ servers }) => servers.some((server) => server[key].length === 0))
      .map((site) => site.name);
  const parts = [
    ["power feeds", lacking("power")],
    ["switches", lacking("switches")],
  ] as const;
  const told = parts.filter(([, at]) => at.length > 0);
  if (told.length === 0) return [];
  return [
    finding("PROVE_UNNAMED", "note", name, {
      message: `not in the proof, because the file does not name them for every server: ${told.map(([what, at]) => `${what} of ${few(at)}`).join("; ")}`,
      breaks: [],
      why: [],
      remedy: {
        text: "name them: `power: [mains]` and `switches: [main]` of each server",
        price: "nothing",
        whatIf: [],
      },
    }),
  ];
}

/** At most five names, and how many there are beside. */
function few(names: readonly string[]): string {
  return names.length <= 5 ? list(names) : `${names.slice(0, 5).join(", ")} and ${names.length - 5} more`;
}

function anotherSite(text: string): Remedy {
  return { text, price: "1 site, or 1 small machine", whatIf: ["+site another"] };
}

function finding(
  code: FindingCode,
  severity: Severity,
  subject: string,
  rest: Omit<Finding, "code" | "severity" | "subject" | "hides">,
): Finding {
  return { code, severity, subject, hides: [], ...rest };
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
