/**
 * What a drill keeps in the federation's state folder: which faults may be there
 * now, written before each is made, and what finished ones came to. Each file is
 * complete or absent.
 */
import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "#converge/pki/store.ts";
import type { FaultResult } from "#render/reports/drill.ts";

export interface DrillState {
  /** Whether a drill has begun here and not ended: it runs, or it was killed. */
  open(): boolean;
  /** Ids of the faults that may be there now. */
  active(): Promise<readonly string[]>;
  setActive(ids: readonly string[]): Promise<void>;
  /** The drill has ended and left nothing. */
  close(): Promise<void>;
  /** Results of this plan, by fault. */
  results(): Promise<ReadonlyMap<string, FaultResult>>;
  keep(results: ReadonlyMap<string, FaultResult>): Promise<void>;
}

/** @param of what the results are good for, such as a digest of the plan: those of another one are forgotten. */
export function openDrillState(folder: string, of: string): DrillState {
  const activeFile = join(folder, "active.json");
  const resultsFile = join(folder, "results.json");
  return {
    open: () => existsSync(activeFile),
    active: async () => ((await readJson(activeFile)) ?? []) as string[],
    setActive: (ids) => replaceFile(activeFile, JSON.stringify(ids)),
    close: () => rm(activeFile, { force: true }),
    results: async () => {
      const kept = (await readJson(resultsFile)) as { of: string; results: FaultResult[] } | undefined;
      return new Map(kept?.of === of ? kept.results.map((result) => [result.id, result]) : []);
    },
    keep: (results) => replaceFile(resultsFile, JSON.stringify({ of, results: [...results.values()] })),
  };
}

async function readJson(path: string): Promise<unknown> {
  const text = await readFile(path, "utf8").catch(() => undefined);
  return text === undefined ? undefined : JSON.parse(text);
}
