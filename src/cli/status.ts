/** `panopticon status`: the federation at a glance. */
import { resolve } from "node:path";
import type { ServerSubject } from "#app/servers-status.ts";
import type { FederationStatus, SiteGlance } from "#app/status.ts";
import { type PanopticonError, wrongUse } from "#base/errors.ts";
import { type AddCommand, command, type OutputOption } from "./command.ts";
import { type HubOption, useHub, withHub } from "./hub.ts";
import { colour, count, show, table } from "./print.ts";
import { serverLines } from "./servers-text.ts";
import { stateWord as serviceWord } from "./service-text.ts";

/** Lines of a list; `-o json` has all. */
const SHOWN = 20;

interface Options extends OutputOption, HubOption {
  readonly site?: string;
  readonly identity?: string;
  readonly knownHosts?: string;
  readonly direct?: boolean;
}

/** Adds `status`. */
export const addStatus: AddCommand = (program) => {
  program.addCommand(
    withHub(
      command(
        "status",
        "say how the federation is: crown, sites, services and names, objects, conflicts, and its Xen servers",
        ["status", "status --site cellar", "status home.yaml", "status -o json"],
      )
        .argument("[file]", "federation file whose servers are looked at (what was applied from here)")
        .option("--site <name>", "only this site, with the deletions that are held back there")
        .option("--identity <file>", "private key that root of the servers accepts (as it was applied)")
        .option("--known-hosts <file>", "host keys of the servers by address (likewise)")
        .option("--direct", "leave out the sites' `jump:`, from inside of their LAN"),
    ).action(status),
  );
};

async function status(file: string | undefined, options: Options): Promise<void> {
  const subjects = await subjectsOf(file, options);
  if (subjects.length > 0) return statusWithServers(subjects, options);
  const { output, site, ...hub } = options;
  const { federationStatus } = await import("#app/status.ts");
  const found = await useHub(hub, (reach) => federationStatus(reach));
  if (site === undefined) show(output, found, (all) => [...lines(all), ending(all.well)]);
  else show(output, glanceAt(found, site), siteLines);
  if (!found.well) process.exitCode = 1;
}

/** Federations whose servers are to be looked at. */
async function subjectsOf(
  file: string | undefined,
  { identity, knownHosts, direct }: Options,
): Promise<readonly ServerSubject[]> {
  const [{ readFederation }, { appliedSubjects, fileSubject }] = await Promise.all([
    import("#app/files.ts"),
    import("#app/servers-status.ts"),
  ]);
  const given = {
    ...(identity && { identity: resolve(identity) }),
    ...(knownHosts && { knownHosts: resolve(knownHosts) }),
    ...(direct && { direct }),
  };
  if (file !== undefined) return [await fileSubject(await readFederation(file), given)];
  return (await appliedSubjects()).map(({ plan, access }) => ({ plan, access: { ...access, ...given } }));
}

/** Servers are asked beside the clusters: what one does not answer, the other may. */
async function statusWithServers(
  subjects: readonly ServerSubject[],
  { output, site, ...options }: Options,
): Promise<void> {
  const [{ federationStatus }, { orTrouble, serversStatus }, { showProgress }] = await Promise.all([
    import("#app/status.ts"),
    import("#app/servers-status.ts"),
    import("./progress.ts"),
  ]);
  const sites = new Set(subjects.flatMap(({ plan }) => plan.sites.map(({ name }) => name)));
  if (site !== undefined && !sites.has(site)) throw siteUnknown(site, [...sites]);
  const progress = showProgress();
  const names = subjects.map(({ plan }) => plan.federation).join(", ");
  progress.emit({ kind: "progress", subject: names, what: "looking at servers and clusters" });
  try {
    const [all, asked] = await Promise.all([
      Promise.all(subjects.map(serversStatus)).then((found) => found.flat()),
      orTrouble(() => useHub(options, (reach) => federationStatus(reach))),
    ]);
    progress.stop();
    const servers = all.filter((server) => site === undefined || server.site === site);
    // A kubeconfig may lead to another federation than the one whose servers are looked at.
    const glance =
      !("problems" in asked) && asked.sites.some(({ name }) => sites.has(name)) ? asked : undefined;
    const trouble = "problems" in asked ? asked : undefined;
    const well = servers.every((server) => server.well) && (glance?.well ?? !isWrong(trouble));
    const clusters = trouble && { clusters: trouble.problems };
    show(output, { ...glance, ...clusters, servers, well }, () => [
      ...(glance ? (site === undefined ? lines(glance) : siteLines(glanceAt(glance, site))) : []),
      ...(glance ? [""] : []),
      ...serverLines(servers),
      ...(glance
        ? []
        : [
            `Of clusters nothing is known: ${trouble?.problems[0]?.message ?? "the kubeconfig leads to others."}`,
          ]),
      ...(servers.some((server) => !server.well)
        ? ["`panopticon apply FILE --dry-run` says what would mend it."]
        : []),
      ending(well),
    ]);
    if (!well) process.exitCode = 1;
  } finally {
    progress.stop();
  }
}

/** Whether it is a cluster that does not answer; where no kubeconfig leads to one, nothing is wrong with it. */
function isWrong(trouble: PanopticonError | undefined): boolean {
  if (trouble === undefined || trouble.exit === 2) return false;
  return trouble.problems.every(({ code }) => code !== "KUBECONFIG_STORE");
}

function ending(well: boolean): string {
  return well ? "All is well." : "Not all is well.";
}

function glanceAt({ sites }: FederationStatus, name: string): SiteGlance {
  const site = sites.find((one) => one.name === name);
  if (site) return site;
  throw siteUnknown(
    name,
    sites.map((one) => one.name),
  );
}

function siteUnknown(name: string, known: readonly string[]): PanopticonError {
  const there = `There are ${known.join(", ")}.`;
  return wrongUse("FEDERATION_SITE_UNKNOWN", `the federation has no site ${name}`, there);
}

function lines(found: FederationStatus): readonly string[] {
  return [
    ...crownLines(found),
    "",
    ...table(["site", "kind", "state", "held", "why"], found.sites.map(row)),
    "",
    ...serviceLines(found),
    ...objectLines(found),
    ...heldLines(found),
    ...conflictLines(found),
    "",
  ];
}

function crownLines({ crown, epoch, movingTo, hub }: FederationStatus): readonly string[] {
  const away = `${crown} does not answer: what is placed goes on, nothing new is. If it is lost: panopticon crown move --to SITE --take`;
  return [
    `The crown is at ${colour("bold", crown)} (epoch ${epoch}).`,
    ...(movingTo === undefined ? [] : [`It is being moved to ${movingTo}: writes pause.`]),
    ...(hub === "answers" ? [] : [colour("red", away)]),
  ];
}

function row({ name, kind, crowned, ready, message, held }: SiteGlance): readonly string[] {
  const state = ready === undefined ? colour("yellow", "unknown") : stateOf(ready);
  return [crowned ? `${name} (crown)` : name, kind, state, held ? String(held.count) : "-", message];
}

function stateOf(ready: boolean): string {
  return ready ? colour("green", "ready") : colour("red", "not ready");
}

/** Each service with its names; the second name of one stands alone in its line. */
function serviceLines({ services, names }: FederationStatus): readonly string[] {
  if (services.length === 0) return [];
  const rows = services.slice(0, SHOWN).flatMap(({ name, sites, hosts }) =>
    (hosts.length > 0 ? hosts : ["-"]).map((host, index) => {
      const known = names.find((one) => one.name === host);
      const where = known?.addresses.join(", ") || colour("yellow", known?.trouble ?? "-");
      const places = sites.map(({ site }) => site).join(", ");
      return index === 0 ? [name, serviceWord(sites), places, host, where] : ["", "", "", host, where];
    }),
  );
  return [...table(["service", "state", "sites", "name", "addresses"], rows), ...more(services.length), ""];
}

function objectLines({ hub, objects, types, notPropagated }: FederationStatus): readonly string[] {
  if (hub !== "answers") return [];
  const kinds = types.map(({ type, objects: number }) => `${number} ${type}`).join(", ");
  const first = `${count(objects, "federated object")}${kinds === "" ? "" : `: ${kinds}`}.`;
  if (notPropagated.length === 0) return [objects === 0 ? first : `${first} All are where they belong.`];
  const rows = notPropagated
    .slice(0, SHOWN)
    .map(({ type, object, reason, message }) => [type, object, reason, message]);
  return [
    `${first} ${colour("red", `${notPropagated.length} not everywhere yet`)}:`,
    ...table(["type", "object", "reason", "why"], rows),
    ...more(notPropagated.length),
  ];
}

function heldLines({ sites }: FederationStatus): readonly string[] {
  return sites.flatMap(({ name, held }) =>
    held ? [`${count(held.count, "deletion")} held back at ${name}: panopticon status --site ${name}`] : [],
  );
}

function conflictLines({ conflicts }: FederationStatus): readonly string[] {
  return conflicts.length === 0
    ? []
    : [`${count(conflicts.length, "conflict")} to decide: panopticon conflict list`];
}

function siteLines(site: SiteGlance): readonly string[] {
  const { name, epoch, held } = site;
  return [
    ...table(["site", "kind", "state", "held", "why"], [row(site)]),
    epoch === undefined ? `${name} does not answer here.` : `Its crown is of epoch ${epoch}.`,
    ...(held
      ? [
          `${held.count} of ${held.of} objects would be deleted at once. Among them:`,
          ...held.examples.map((example) => `  ${example}`),
          `If they shall go: panopticon site release ${name} ${held.token}`,
        ]
      : ["No deletions are held back there."]),
  ];
}

function more(number: number): readonly string[] {
  return number > SHOWN ? [`… and ${number - SHOWN} more (-o json has all)`] : [];
}
