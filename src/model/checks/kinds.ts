import type { Mistake } from "../mistakes.ts";
import { nearest } from "../nearest.ts";
import { missingKey } from "../shape-mistakes.ts";
import type { Check, DraftFederation, DraftInput } from "./check.ts";

/** What a site needs depends on whether it is one's own or rented; and only one's own can hold the crown. */
export const checkKinds: Check = (federation, input) => [
  ...(input.sites ?? [])
    .flatMap((site, index) => site && kindMistakes(site, index))
    .filter((mistake) => mistake !== undefined),
  ...crownMistakes(federation),
];

type SiteInput = NonNullable<NonNullable<DraftInput["sites"]>[number]>;

function kindMistakes(site: SiteInput, index: number): readonly Mistake[] {
  const path = ["sites", index];
  if (Object.hasOwn(site, "kind") && site.kind === undefined) return [];
  const lacks = (object: object | undefined, key: string) =>
    object !== undefined && !Object.hasOwn(object, key);
  if (site.kind === undefined || site.kind === "on-prem") {
    return [
      ...(lacks(site, "servers") || site.servers?.length === 0 ? [missingKey([...path, "servers"])] : []),
      ...(lacks(site.network, "gateway") ? [missingKey([...path, "network", "gateway"])] : []),
      ...(lacks(site.network, "external") ? [missingKey([...path, "network", "external"])] : []),
      ...(lacks(site, "region")
        ? []
        : [notHere([...path, "region"], "on-prem", "remove it, or set kind to the cloud's name")]),
    ];
  }
  return [
    ...(lacks(site, "region") ? [missingKey([...path, "region"])] : []),
    ...(lacks(site, "jump") ? [] : [notHere([...path, "jump"], site.kind, "remove it, or remove kind")]),
    ...(lacks(site, "servers")
      ? []
      : [notHere([...path, "servers"], site.kind, "remove them, or remove kind")]),
  ];
}

function notHere(path: readonly (string | number)[], kind: string, hint: string): Mistake {
  return {
    code: "MODEL_KEY_NOT_HERE",
    message: `a site of kind ${kind} has no ${path.at(-1)}`,
    hint,
    path,
    spot: "key",
  };
}

function crownMistakes({ crown, sites }: DraftFederation): readonly Mistake[] {
  // A site whose name or kind is unknown may be the one that is meant.
  const unknown =
    sites === undefined || sites.some((site) => site?.name === undefined || site.kind === undefined);
  if (crown === undefined || unknown) return [];
  const named = sites.find((site) => site?.name === crown);
  if (named?.kind === "on-prem") return [];
  const eligible = sites.flatMap((site) =>
    site?.kind === "on-prem" && site.name !== undefined ? [site.name] : [],
  );
  const near = nearest(crown, eligible);
  const hint =
    eligible.length === 0
      ? "add an on-prem site: the hub stands on your own servers"
      : near
        ? `did you mean ${near}?`
        : `name an on-prem site: ${eligible.slice(0, 10).join(", ")}`;
  const message = named
    ? `the crown's site ${crown} is rented`
    : `the crown names ${crown}, which is no site`;
  return [{ code: "MODEL_CROWN", message, hint, path: ["crown"] }];
}
