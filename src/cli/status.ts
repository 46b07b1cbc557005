/** `panopticon status`: the federation at a glance. */
import type { FederationStatus, SiteGlance } from "#app/status.ts";
import { wrongUse } from "#base/errors.ts";
import { type AddCommand, command, type OutputOption } from "./command.ts";
import { type HubOption, useHub, withHub } from "./hub.ts";
import { colour, count, show, table } from "./print.ts";
import { stateWord as serviceWord } from "./service-text.ts";

/** Lines of a list; `-o json` has all. */
const SHOWN = 20;

interface Options extends OutputOption, HubOption {
  readonly site?: string;
}

/** Adds `status`. */
export const addStatus: AddCommand = (program) => {
  program.addCommand(
    withHub(
      command("status", "say how the federation is: crown, sites, services and names, objects, conflicts", [
        "status",
        "status --site cellar",
        "status -o json",
      ]).option("--site <name>", "only this site, with the deletions that are held back there"),
    ).action(status),
  );
};

async function status({ output, site, ...hub }: Options): Promise<void> {
  const { federationStatus } = await import("#app/status.ts");
  const found = await useHub(hub, (reach) => federationStatus(reach));
  if (site === undefined) show(output, found, lines);
  else show(output, glanceAt(found, site), siteLines);
  if (!found.well) process.exitCode = 1;
}

function glanceAt({ sites }: FederationStatus, name: string): SiteGlance {
  const site = sites.find((one) => one.name === name);
  if (site) return site;
  const known = sites.map((one) => one.name).join(", ");
  throw wrongUse("FEDERATION_SITE_UNKNOWN", `the federation has no site ${name}`, `There are ${known}.`);
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
    found.well ? "All is well." : "Not all is well.",
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
