/** Zone files (RFC 1035, 5): every name absolute, so that nothing depends on what stands above it. */
import { HOST_NAME, address, word } from "../refuse.ts";

export interface ZoneRecord {
  /** Without the last dot; may begin with `*.`. */
  readonly name: string;
  /** Seconds. */
  readonly ttl: number;
  readonly data:
    | { readonly type: "A"; readonly address: string }
    | { readonly type: "NS"; readonly server: string }
    | { readonly type: "SOA"; readonly soa: Soa };
}

export interface Soa {
  readonly server: string;
  /** A mail address, its `@` a dot. */
  readonly mailbox: string;
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  /** For how long "there is no such name" is remembered. */
  readonly negative: number;
}

/** The file's text; RENDER_BAD_WORD and RENDER_BAD_ADDRESS for what is no name or address. */
export function emitZone(records: readonly ZoneRecord[]): string {
  return records.map(({ name, ttl, data }) => `${owner(name)} ${ttl} IN ${emitData(data)}\n`).join("");
}

function emitData(data: ZoneRecord["data"]): string {
  switch (data.type) {
    case "A":
      return `A ${address(data.address, "zone")}`;
    case "NS":
      return `NS ${host(data.server)}`;
    case "SOA": {
      const { server, mailbox, serial, refresh, retry, expire, negative } = data.soa;
      return ["SOA", host(server), host(mailbox), serial, refresh, retry, expire, negative].join(" ");
    }
  }
}

function owner(name: string): string {
  return name.startsWith("*.") ? `*.${host(name.slice(2))}` : host(name);
}

function host(name: string): string {
  return `${word(name, "zone", HOST_NAME)}.`;
}
