import { type Mistake, type Path, pathText } from "../mistakes.ts";
import { type Check, serversOf, sitesOf } from "./check.ts";

type Named = { readonly name?: string | undefined } | undefined;

/** Sites, a site's servers, and a server's disks and devices have names of their own. */
export const checkNames: Check = (federation) => [
  ...duplicates("site", federation.sites, ["sites"]),
  ...duplicates("backup", federation.backups, ["backups"]),
  ...witnessName(federation),
  ...sitesOf(federation).flatMap((site) => [
    ...duplicates("line", site.value.network?.lines, [...site.path, "network", "lines"]),
    ...duplicates("server", site.value.servers, [...site.path, "servers"]),
    ...serversOf(site).flatMap(({ value, path }) => [
      ...duplicates("disk", value.disks, [...path, "disks"]),
      ...duplicates("device", value.passthrough, [...path, "passthrough"]),
    ]),
  ]),
];

/** Voters know each other by their names. */
function witnessName(federation: Parameters<Check>[0]): readonly Mistake[] {
  const name = federation.witness?.name;
  const site = (federation.sites ?? []).findIndex((one) => one?.name === name);
  if (name === undefined || site < 0) return [];
  const message = `the witness's name ${name} is already that of ${pathText(["sites", site])}`;
  const hint = "give the witness a name of its own";
  return [{ code: "MODEL_DUPLICATE_NAME", message, hint, path: ["witness", "name"] }];
}

function duplicates(what: string, parts: readonly Named[] | undefined, path: Path): readonly Mistake[] {
  const first = new Map<string, number>();
  return (parts ?? []).flatMap((part, index) => {
    const name = part?.name;
    if (name === undefined) return [];
    const before = first.get(name);
    if (before === undefined) {
      first.set(name, index);
      return [];
    }
    return {
      code: "MODEL_DUPLICATE_NAME" as const,
      message: `the ${what} name ${name} is already that of ${pathText([...path, before])}`,
      hint: `give each ${what} a name of its own`,
      path: [...path, index, "name"],
    };
  });
}
