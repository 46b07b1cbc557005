/** What came of each federated resource at this site, from who applies it to who tells the hub. */
import { isDeepStrictEqual } from "node:util";
import type { JsonObject } from "../json.ts";
import type { PropagationStatus } from "../status/words.ts";

export interface Report {
  /** Digest of the body that this is about; a status about another body says nothing. */
  readonly hash: string;
  /** Undefined where the site has nothing of it and shall have nothing. */
  readonly status: PropagationStatus | undefined;
  readonly message: string;
  /** What the site's own API says of its copy, where the type's config asks for it. */
  readonly remoteStatus?: JsonObject;
  readonly remoteGeneration?: number;
}

export interface Reports {
  /** @param type `plural.group` of the federated kind. */
  put(type: string, key: string, report: Report): void;
  get(type: string, key: string): Report | undefined;
  drop(type: string, key: string): void;
  /** Calls at each change, and for all that is known already. */
  listen(call: (type: string, key: string, urgent: boolean) => void): void;
}

export function openReports(): Reports {
  const reports = new Map<string, Map<string, Report>>();
  const listeners: ((type: string, key: string, urgent: boolean) => void)[] = [];
  return {
    put(type, key, report) {
      const known = reports.get(type) ?? new Map<string, Report>();
      reports.set(type, known);
      const before = known.get(key);
      known.set(key, report);
      if (before && isDeepStrictEqual(before, report)) return;
      for (const call of listeners) call(type, key, before !== undefined && before.status !== report.status);
    },
    get: (type, key) => reports.get(type)?.get(key),
    drop: (type, key) => void reports.get(type)?.delete(key),
    listen(call) {
      listeners.push(call);
      for (const [type, known] of reports) for (const key of known.keys()) call(type, key, false);
    },
  };
}
