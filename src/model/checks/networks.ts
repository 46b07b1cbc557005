import { type Cidr, formatCidr, overlaps, parseCidr, type Range, rangeOf, toCidr } from "#base/ipv4.ts";
import { type Mistake, type Path, pathText } from "../mistakes.ts";
import { type Check, type DraftFederation, sitesOf } from "./check.ts";

/** A network that the file gives. */
interface Claim {
  readonly what: string;
  readonly cidr: Cidr;
  readonly range: Range;
  readonly path: Path;
}

/** Parts of the address space that hosts cannot have (IANA's special-purpose registry, and class E). */
const NOT_FOR_MACHINES = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"].map(toCidr);

/** LANs, pod and service networks of all sites: none shares an address with another. */
export const checkNetworks: Check = (federation) => {
  const claims = claimsOf(federation);
  return [...claims.flatMap(unusable), ...overlapsOf(claims)];
};

function claimsOf(federation: DraftFederation): readonly Claim[] {
  return sitesOf(federation).flatMap(({ value, path, label }) =>
    (["lan", "pods", "services"] as const).flatMap((key) => {
      const text = value.network?.[key];
      const cidr = text === undefined ? undefined : parseCidr(text);
      if (!cidr) return [];
      const noun = { lan: "LAN", pods: "pod network", services: "service network" }[key];
      const what = `the ${noun} ${text} of ${label}`;
      return [{ what, cidr, range: rangeOf(cidr), path: [...path, "network", key] }];
    }),
  );
}

function unusable({ what, cidr, path }: Claim): readonly Mistake[] {
  const special = NOT_FOR_MACHINES.find((network) => overlaps(network, cidr));
  if (!special) return [];
  const hint = "use a private network, such as 10.11.0.0/24";
  const message = `${what} reaches into ${formatCidr(special)}, which is not for machines`;
  return [{ code: "MODEL_NETWORK_UNUSABLE", message, hint, path }];
}

/** Each network that shares addresses with another, told once, at the later of the two in the file. */
function overlapsOf(claims: readonly Claim[]): readonly Mistake[] {
  const order = new Map(claims.map((claim, index) => [claim, index]));
  const sorted = claims.toSorted((left, right) => left.range.first - right.range.first);
  const mistakes: Mistake[] = [];
  let widest: Claim | undefined;
  for (const claim of sorted) {
    if (widest && overlaps(widest.range, claim.range)) {
      const [earlier, later] =
        (order.get(widest) ?? 0) < (order.get(claim) ?? 0) ? [widest, claim] : [claim, widest];
      const message = `${later.what} overlaps ${earlier.what}`;
      const hint = `choose a network that shares no address with ${pathText(earlier.path)}`;
      mistakes.push({ code: "MODEL_NETWORK_OVERLAP", message, hint, path: later.path });
    }
    if (!widest || claim.range.last > widest.range.last) widest = claim;
  }
  return mistakes;
}
