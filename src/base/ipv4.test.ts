import fc from "fast-check";
import { expect, test } from "vitest";
import {
  contains,
  covers,
  formatAddress,
  formatCidr,
  hostsOf,
  networkOf,
  overlaps,
  parseAddress,
  parseCidr,
  parsePrefixed,
  rangeOf,
  subnet,
  toAddress,
  toCidr,
} from "./ipv4.ts";

test("reads and writes addresses over the whole space", () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 32 - 1 }), (address) => {
      expect(parseAddress(formatAddress(address))).toBe(address);
    }),
  );
});

test.each([
  "",
  "1.2.3",
  "1.2.3.4.5",
  "256.0.0.1",
  "010.0.0.1",
  "0x0a.0.0.1",
  "1.2.3.4 ",
  "167772161",
  "1.2.3.-4",
])("refuses %j as an address", (text) => {
  expect(parseAddress(text)).toBeUndefined();
  expect(() => toAddress(text)).toThrow(RangeError);
});

test.each([
  "10.0.0.0",
  "10.0.0.0/33",
  "10.0.0.0/08",
  "10.0.0.0/",
  "10.0.0.0/8/8",
  "10.0.0.1/8",
  "010.0.0.0/8",
])("refuses %j as a network", (text) => {
  expect(parseCidr(text)).toBeUndefined();
  expect(() => toCidr(text)).toThrow(RangeError);
});

test("a network holds exactly the addresses from its first to its last", () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 32 - 1 }), fc.nat({ max: 32 }), (address, prefix) => {
      const cidr = networkOf(address, prefix);
      expect(parseCidr(formatCidr(cidr))).toEqual(cidr);
      expect(contains(cidr, address)).toBe(true);
      expect(contains(cidr, rangeOf(cidr).first - 1)).toBe(false);
      expect(contains(cidr, rangeOf(cidr).last + 1)).toBe(false);
    }),
  );
});

test("reads an address with a prefix that is not a network", () => {
  expect(parsePrefixed("10.11.0.7/24")).toEqual({ address: toAddress("10.11.0.7"), prefix: 24 });
});

test("host addresses leave out network and broadcast, but for point-to-point networks", () => {
  const hosts = (text: string) => {
    const { first, last } = hostsOf(toCidr(text));
    return `${formatAddress(first)}-${formatAddress(last)}`;
  };
  expect(hosts("10.11.0.0/24")).toBe("10.11.0.1-10.11.0.254");
  expect(hosts("255.255.255.252/30")).toBe("255.255.255.253-255.255.255.254");
  expect(hosts("10.0.0.0/31")).toBe("10.0.0.0-10.0.0.1");
});

test("overlap and cover tell neighbours from parts", () => {
  const wide = toCidr("10.0.0.0/8");
  const part = toCidr("10.11.0.0/24");
  const next = toCidr("10.11.1.0/24");
  expect([overlaps(wide, part), overlaps(part, next), overlaps(part, part)]).toEqual([true, false, true]);
  expect([covers(wide, part), covers(part, wide)]).toEqual([true, false]);
  expect(overlaps({ first: toAddress("10.11.0.255"), last: toAddress("10.11.1.0") }, next)).toBe(true);
});

test("cuts a network into parts and stops at its end", () => {
  const parts = [0, 1, 255, 256, -1].map((index) => subnet(toCidr("10.20.0.0/16"), 24, index));
  expect(parts.map((part) => part && formatCidr(part))).toEqual([
    "10.20.0.0/24",
    "10.20.1.0/24",
    "10.20.255.0/24",
    undefined,
    undefined,
  ]);
  expect(subnet(toCidr("10.20.0.0/16"), 8, 0)).toBeUndefined();
});
