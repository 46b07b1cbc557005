import { type Mistake, type Path, pathText } from "../mistakes.ts";
import { type Check, serversOf, sitesOf } from "./check.ts";

type Named = { readonly name?: string | undefined } | undefined;

/** Sites, a site's servers, and a server's disks and devices have names of their own. */
export const checkNames: Check = (federation) => [
  ...duplicates("site", federation.sites, ["sites"]),
  ...duplicates("backup", federation.backups, ["backups"]),
  ...sitesOf(federation).flatMap((site) => [
    ...duplicates("line", site.value.network?.lines, [...site.path, "network", "lines"]),
    ...duplicates("server", site.value.servers, [...site.path, "servers"]),
    ...serversOf(site).flatMap(({ value, path }) => [
      ...duplicates("disk", value.disks, [...path, "disks"]),
      ...duplicates("device", value.passthrough, [...path, "passthrough"]),
    ]),
  ]),
];

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
