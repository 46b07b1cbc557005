import { contains, parseAddress, toCidr } from "#base/ipv4.ts";
import { type Mistake, type Path, pathText } from "../mistakes.ts";
import { type Check, sitesOf } from "./check.ts";

/**
 * Addresses that the internet does not reach (IANA's special-purpose registry).
 * The networks for documentation are let through: examples and the lab use them.
 */
const NOT_PUBLIC: readonly (readonly [network: string, what: string])[] = [
  ["10.0.0.0/8", "a private address"],
  ["172.16.0.0/12", "a private address"],
  ["192.168.0.0/16", "a private address"],
  ["100.64.0.0/10", "behind an internet provider's address translation"],
  ["127.0.0.0/8", "a machine's own address"],
  ["169.254.0.0/16", "a link-local address"],
  ["0.0.0.0/8", "not an address of a machine"],
  ["224.0.0.0/3", "not an address of a machine"],
];
const RANGES = NOT_PUBLIC.map(([network, what]) => ({ network: toCidr(network), what }));

/** External addresses can be reached from the internet, and each belongs to one site, or to the witness. */
export const checkExternal: Check = (federation, input) => {
  const first = new Map<string, Path>();
  const ofSites = sitesOf(federation).flatMap(({ value, path }, order) =>
    (value.network?.external ?? []).flatMap((text, index): readonly Mistake[] => {
      if (text === undefined) return [];
      const single = typeof input.sites?.[order]?.network?.external === "string";
      return judge(first, text, [...path, "network", "external", ...(single ? [] : [index])]);
    }),
  );
  const witness = federation.witness?.address;
  return [...ofSites, ...(witness === undefined ? [] : judge(first, witness, ["witness", "address"]))];
};

function judge(first: Map<string, Path>, text: string, at: Path): readonly Mistake[] {
  const address = parseAddress(text);
  if (address === undefined) return [];
  const before = first.get(text);
  first.set(text, before ?? at);
  const special = RANGES.find(({ network }) => contains(network, address));
  if (special) {
    const message = `the external address ${text} is ${special.what}`;
    const hint = "write the address under which the internet sees the router";
    return [{ code: "MODEL_EXTERNAL_NOT_PUBLIC", message, hint, path: at }];
  }
  if (!before) return [];
  const message = `the external address ${text} is already that of ${pathText(before)}`;
  return [
    {
      code: "MODEL_ADDRESS_TAKEN",
      message,
      hint: "an address leads to one site: give each its own",
      path: at,
    },
  ];
}
