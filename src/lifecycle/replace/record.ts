/**
 * What a replacement keeps in the federation's state folder while it is under
 * way: which server, and whose traces have been taken away already. From then on
 * a machine of that name is the new one. The file is complete or absent.
 */
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { replaceFile } from "#converge/pki/store.ts";
import type { Replacement } from "#plan/replacement.ts";

export interface ReplaceRecord extends Replacement {
  /** Where the dead server itself was reached, if that was known. */
  readonly oldAddress?: string;
  /** Names of the machines that move. */
  readonly machines: readonly string[];
  /** Those of them of whose predecessors nothing is left. */
  readonly cleared: readonly string[];
}

export interface ReplaceRecords {
  read(): Promise<ReplaceRecord | undefined>;
  write(record: ReplaceRecord): Promise<void>;
  /** The replacement has ended. */
  remove(): Promise<void>;
}

/** @param folder the federation's state folder. */
export function openRecords(folder: string): ReplaceRecords {
  const path = join(folder, "replace.json");
  return {
    read: async () => {
      const text = await readFile(path, "utf8").catch(() => undefined);
      return text === undefined ? undefined : (JSON.parse(text) as ReplaceRecord);
    },
    write: (record) => replaceFile(path, `${JSON.stringify(record)}\n`),
    remove: () => rm(path, { force: true }),
  };
}
