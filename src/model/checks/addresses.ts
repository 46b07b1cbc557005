import {
  contains,
  covers,
  formatAddress,
  hostsOf,
  overlaps,
  parseAddress,
  parseCidr,
  type Range,
  toAddress,
} from "#base/ipv4.ts";
import type { Draft } from "../draft.ts";
import type { AddressRange } from "../federation.ts";
import type { Mistake, Path } from "../mistakes.ts";
import { type Check, type DraftSite, type Part, serversOf, sitesOf } from "./check.ts";

/** An address or range that the file gives to something in a LAN. */
interface Use {
  readonly what: string;
  readonly range: Range;
  readonly path: Path;
}

/** Addresses inside a LAN: they lie in it, machines can have them, and none is given away twice. */
export const checkAddresses: Check = (federation) => sitesOf(federation).flatMap(siteMistakes);

function siteMistakes(site: Part<DraftSite>): readonly Mistake[] {
  const uses = usesOf(site);
  const { gateway, vip, ingress, reserved, resolvers, external, servers } = uses;
  const others = [...resolvers, ...external];
  const hosts = [...others, ...servers];
  return [
    ...lanMistakes(site, uses),
    ...gateway.flatMap((use) => taken(use, reserved)),
    ...vip.flatMap((use) => taken(use, [...reserved, ...gateway, ...hosts])),
    ...ingress.flatMap((use) => taken(use, [...reserved, ...gateway, ...vip, ...hosts])),
    ...servers.flatMap((use, index) => taken(use, [...gateway, ...external, ...servers.slice(0, index)])),
  ];
}

function usesOf(site: Part<DraftSite>) {
  const { value, path } = site;
  const network = value.network;
  const at = (...rest: Path) => [...path, "network", ...rest];
  const address = (what: string, text: string | undefined, where: Path): readonly Use[] => {
    const number = text === undefined ? undefined : parseAddress(text);
    return number === undefined
      ? []
      : [{ what: `${what} ${text}`, range: { first: number, last: number }, path: where }];
  };
  const span = (what: string, range: Draft<AddressRange>, where: Path): readonly Use[] => {
    if (range?.first === undefined || range.last === undefined) return [];
    const text = range.first === range.last ? range.first : `${range.first}-${range.last}`;
    const numbers = { first: toAddress(range.first), last: toAddress(range.last) };
    return [{ what: `${what} ${text}`, range: numbers, path: where }];
  };
  return {
    gateway: address("the gateway", network?.gateway, at("gateway")),
    vip: address("the VIP", network?.vip, at("vip")),
    ingress: span("the ingress range", network?.ingress, at("ingress")),
    reserved: (network?.reserved ?? []).flatMap((range, index) =>
      span("the reserved range", range, at("reserved", index)),
    ),
    resolvers: (network?.resolvers ?? []).flatMap((text, index) =>
      text === network?.gateway ? [] : address("the resolver", text, at("resolvers", index)),
    ),
    external: (network?.external ?? []).flatMap((text, index) =>
      address("the external address", text, at("external", index)),
    ),
    servers: serversOf(site).flatMap((server) =>
      address(`the address of ${server.label}`, server.value.address, [...server.path, "address"]),
    ),
  };
}

function lanMistakes({ value, label }: Part<DraftSite>, uses: ReturnType<typeof usesOf>): readonly Mistake[] {
  const text = value.network?.lan;
  const lan = text === undefined ? undefined : parseCidr(text);
  if (!lan) return [];
  const hosts = hostsOf(lan);
  const bounds = `${formatAddress(hosts.first)} to ${formatAddress(hosts.last)}`;
  const { gateway, vip, ingress, reserved, resolvers, servers } = uses;
  const outside = [...gateway, ...vip, ...ingress, ...reserved, ...servers].filter(
    ({ range }) => !covers(lan, range),
  );
  const unusable = [...gateway, ...vip, ...ingress, ...resolvers, ...servers].filter(
    ({ range }) => covers(lan, range) && !covers(hosts, range),
  );
  return [
    ...outside.map(({ what, path }): Mistake => {
      const message = `${what} is not in the LAN ${text} of ${label}`;
      return { code: "MODEL_ADDRESS_OUTSIDE_LAN", message, hint: `choose from ${bounds}`, path };
    }),
    ...unusable.map(({ what, range, path }): Mistake => {
      const which = contains(range, lan.base) ? "the network's own address" : "the broadcast address";
      const message = `${what} ${isSingle(range) ? "is" : "holds"} ${which} of the LAN ${text}`;
      return { code: "MODEL_ADDRESS_NOT_USABLE", message, hint: `choose from ${bounds}`, path };
    }),
  ];
}

function taken(use: Use, others: readonly Use[]): readonly Mistake[] {
  const other = others.find(({ range }) => overlaps(range, use.range));
  if (!other) return [];
  const relation = !isSingle(use.range) ? "overlaps" : isSingle(other.range) ? "is also" : "lies in";
  const message = `${use.what} ${relation} ${other.what}`;
  return [{ code: "MODEL_ADDRESS_TAKEN", message, hint: "choose one that is free", path: use.path }];
}

function isSingle({ first, last }: Range): boolean {
  return first === last;
}
