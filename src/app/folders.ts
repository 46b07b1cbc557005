/**
 * Puts drivers behind ports and the world behind names; the only room that
 * knows them all. Here: the person's folders, as the XDG base directory
 * specification has them (a relative path in a variable is ignored, as it says).
 */
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { defaultCacheDir } from "#components/store.ts";

/** The checkout's example federations. */
export const EXAMPLES = join(import.meta.dirname, "../../examples");

/** State of all federations: `$XDG_STATE_HOME/panopticon`. */
export function stateHome(): string {
  const base = process.env["XDG_STATE_HOME"];
  return join(base && isAbsolute(base) ? base : join(homedir(), ".local/state"), "panopticon");
}

/** State of one federation: its plan, journal, keys and lab. */
export function stateDir(federation: string): string {
  return join(stateHome(), federation);
}

/** Of the outside witness that runs on this machine, if one does. */
export function witnessFolder(): string {
  return join(stateHome(), "witness");
}

/** What can be fetched or built again: `$XDG_CACHE_HOME/panopticon`. */
export function cacheDir(): string {
  return defaultCacheDir();
}
