import type { Draft } from "../draft.ts";
import type { Federation, Server, Site } from "../federation.ts";
import type { Mistake, Path } from "../mistakes.ts";
import type { FederationInput } from "../shape.ts";

export type DraftFederation = NonNullable<Draft<Federation>>;
export type DraftSite = NonNullable<Draft<Site>>;
export type DraftServer = NonNullable<Draft<Server>>;
export type DraftInput = NonNullable<Draft<FederationInput>>;

/** Finds mistakes in a federation (and in the file as it was written); says nothing about what is unknown. */
export type Check = (federation: DraftFederation, input: DraftInput) => readonly Mistake[];

/** A part of the file with its path and what to call it. */
export interface Part<T> {
  readonly value: T;
  readonly path: Path;
  /** `site attic`, or its path where its name is unknown. */
  readonly label: string;
}

/** The sites that could be read at all. */
export function sitesOf(federation: DraftFederation): readonly Part<DraftSite>[] {
  return (federation.sites ?? []).flatMap((value, index) => {
    const label = value?.name === undefined ? `sites[${index}]` : `site ${value.name}`;
    return value ? [{ value, path: ["sites", index], label }] : [];
  });
}

/** The servers of a site that could be read at all. */
export function serversOf(site: Part<DraftSite>): readonly Part<DraftServer>[] {
  return (site.value.servers ?? []).flatMap((value, index) => {
    const name = value?.name === undefined ? `servers[${index}]` : `server ${value.name}`;
    return value
      ? [{ value, path: [...site.path, "servers", index], label: `${name} of ${site.label}` }]
      : [];
  });
}
