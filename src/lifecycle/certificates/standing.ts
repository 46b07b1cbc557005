/** How a certificate stands: whether it is the one that is wanted, and when it is to be renewed. */
import { X509Certificate } from "node:crypto";

/** Renewal begins when so much of the lifetime is left: time for repairs, also with short-lived ones. */
const LEFT = 1 / 3;
const DAY_MS = 24 * 3600 * 1000;

export type Standing =
  | { readonly state: "missing" }
  | {
      /** `names`: it is for other names. `due`: to be renewed by now. `over`: nobody takes it any more. */
      readonly state: "good" | "due" | "over" | "names";
      readonly until: Date;
      /** From when on it is renewed. */
      readonly due: Date;
    };

/**
 * @param certificate PEM, the site's own first; undefined where there is none
 * @param renewDays how many days before its end it is renewed; a third of its lifetime where not given
 */
export function standing(
  certificate: string | undefined,
  names: readonly string[],
  now: Date,
  renewDays?: number,
): Standing {
  if (certificate === undefined) return { state: "missing" };
  const leaf = new X509Certificate(certificate);
  const [from, until] = [leaf.validFromDate.getTime(), leaf.validToDate.getTime()];
  const due = until - (renewDays === undefined ? (until - from) * LEFT : renewDays * DAY_MS);
  const dates = { until: new Date(until), due: new Date(due) };
  if (!isFor(leaf, names)) return { state: "names", ...dates };
  if (now.getTime() >= until) return { state: "over", ...dates };
  return { state: now.getTime() >= due ? "due" : "good", ...dates };
}

/** Whether users can be shown it. */
export function isUsable({ state }: Standing): boolean {
  return state === "good" || state === "due";
}

function isFor(leaf: X509Certificate, names: readonly string[]): boolean {
  const has = leaf.subjectAltName?.split(", ") ?? [];
  return has.length === names.length && names.every((name) => has.includes(`DNS:${name}`));
}
