/**
 * IPv4 addresses and networks as plain unsigned 32-bit numbers. Only IPv4 is
 * planned. Text is read strictly: four decimal numbers without leading zeros,
 * since `010.0.0.1` is 10.0.0.1 to some programs and 8.0.0.1 to others.
 */

/** A network: its first address and the length of its prefix (0 to 32). */
export interface Cidr {
  readonly base: number;
  readonly prefix: number;
}

/** Addresses from first to last, both included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

const OCTET = "(0|[1-9][0-9]{0,2})";
const ADDRESS = new RegExp(`^${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET}$`);

/** The address as a number from 0 to 2³²−1; undefined where the text is not exactly one address. */
export function parseAddress(text: string): number | undefined {
  const octets = ADDRESS.exec(text)?.slice(1).map(Number);
  if (octets === undefined || octets.some((octet) => octet > 255)) return undefined;
  return octets.reduce((address, octet) => address * 256 + octet, 0);
}

/** The dotted text of an address. */
export function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join(".");
}

/** Reads `10.11.0.7/24` without asking that the address be the network's first. */
export function parsePrefixed(text: string): { address: number; prefix: number } | undefined {
  const [addressText, prefixText, ...rest] = text.split("/");
  const address = parseAddress(addressText ?? "");
  if (address === undefined || rest.length > 0 || !/^(0|[1-9][0-9]?)$/.test(prefixText ?? ""))
    return undefined;
  const prefix = Number(prefixText);
  return prefix <= 32 ? { address, prefix } : undefined;
}

/** Reads `10.11.0.0/24`; undefined where the text is no network or has bits set after its prefix. */
export function parseCidr(text: string): Cidr | undefined {
  const read = parsePrefixed(text);
  if (read === undefined) return undefined;
  const cidr = networkOf(read.address, read.prefix);
  return cidr.base === read.address ? cidr : undefined;
}

/** The text of a network, such as `10.11.0.0/24`. */
export function formatCidr(cidr: Cidr): string {
  return `${formatAddress(cidr.base)}/${cidr.prefix}`;
}

/** An address from text that was checked before; throws RangeError where it was not. */
export function toAddress(text: string): number {
  const address = parseAddress(text);
  if (address === undefined) throw new RangeError(`not an IPv4 address: ${text}`);
  return address;
}

/** A network from text that was checked before; throws RangeError where it was not. */
export function toCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new RangeError(`not an IPv4 network: ${text}`);
  return cidr;
}

/** The network of that prefix length which holds the address. */
export function networkOf(address: number, prefix: number): Cidr {
  return { base: address - (address % 2 ** (32 - prefix)), prefix };
}

/** How many addresses a network has, its first and last included. */
export function sizeOf(cidr: Cidr): number {
  return 2 ** (32 - cidr.prefix);
}

/** All addresses of a network, the network and broadcast address included. */
export function rangeOf(cidr: Cidr): Range {
  return { first: cidr.base, last: cidr.base + sizeOf(cidr) - 1 };
}

/** The addresses machines can have: without network and broadcast address, which /31 and /32 don't have. */
export function hostsOf(cidr: Cidr): Range {
  const { first, last } = rangeOf(cidr);
  return cidr.prefix >= 31 ? { first, last } : { first: first + 1, last: last - 1 };
}

/** Whether the address lies in the network or range. */
export function contains(where: Cidr | Range, address: number): boolean {
  const { first, last } = asRange(where);
  return first <= address && address <= last;
}

/** Whether all of `inner` lies in `outer`. */
export function covers(outer: Cidr | Range, inner: Cidr | Range): boolean {
  const { first, last } = asRange(inner);
  return contains(outer, first) && contains(outer, last);
}

/** Whether two networks or ranges share an address. */
export function overlaps(left: Cidr | Range, right: Cidr | Range): boolean {
  const a = asRange(left);
  const b = asRange(right);
  return a.first <= b.last && b.first <= a.last;
}

/** The `index`th part (from 0) of a network cut into networks of that prefix length; undefined past the end. */
export function subnet(cidr: Cidr, prefix: number, index: number): Cidr | undefined {
  const part = { base: cidr.base + index * 2 ** (32 - prefix), prefix };
  return prefix >= cidr.prefix && index >= 0 && covers(cidr, part) ? part : undefined;
}

function asRange(where: Cidr | Range): Range {
  return "prefix" in where ? rangeOf(where) : where;
}
