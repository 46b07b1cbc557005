/** Tells what there is and what is still to be had. */
import { CATALOGUE, type Component, type ComponentKind, type ComponentName } from "./catalogue.ts";
import { findReady } from "./recipes.ts";
import { defaultCacheDir } from "./store.ts";
import type { Source } from "./source.ts";

export interface ListedComponent {
  readonly name: ComponentName;
  readonly version: string;
  readonly kind: ComponentKind;
  readonly reason: string;
  /** Where it came from, or for an absent one where it may come from, in order. */
  readonly source: string;
  readonly state: "ready" | "absent";
  readonly sizeMiB?: number;
  /** Seconds on two idle cores from nothing, where no release can be downloaded. */
  readonly expectedSeconds: number;
}

/** Every component of the catalogue with its state in the cache. */
export async function listComponents(cacheDir = defaultCacheDir()): Promise<readonly ListedComponent[]> {
  const ready = await findReady(CATALOGUE, cacheDir);
  return CATALOGUE.map((component) => {
    const { name, kind, reason, expectedSeconds } = component;
    const entry = ready.get(name);
    if (!entry) {
      const { version } = component;
      return {
        name,
        version,
        kind,
        reason,
        source: sourcesInWords(component),
        state: "absent",
        expectedSeconds,
      };
    }
    const { version, source, sizeMiB } = entry.meta;
    return { name, version, kind, reason, source, state: "ready", sizeMiB, expectedSeconds };
  });
}

function sourcesInWords(component: Component): string {
  return component.sources.map(sourceInWords).join(", else ");
}

function sourceInWords(source: Source): string {
  switch (source.by) {
    case "official":
      return `release of ${[...new Set(source.files.map((file) => new URL(file.url).host))].join(", ")}`;
    case "go":
      return `Go module components/go/${source.module}`;
    case "debian":
      return "Debian packages";
    case "assembled":
      return `put together from ${source.from.join(", ")}`;
  }
}
