/** A real backend on this machine: says what it was sent, takes uploads of any size, and echoes over WebSocket. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import { type AddressInfo } from "node:net";
import { networkInterfaces } from "node:os";
import type { Duplex } from "node:stream";

/** What a request looked like when it arrived. */
export interface Seen {
  readonly host: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Backend {
  readonly address: string;
  readonly port: number;
  /** Bytes of bodies that have arrived so far. */
  readonly received: () => number;
  close(): Promise<void>;
}

/** An address of this machine that is not loopback: endpoints may not name one, and Traefik trusts itself there. */
export function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((some) => some ?? []);
  const found = all.find(({ family, internal }) => family === "IPv4" && !internal);
  if (!found) throw new Error("this machine has no IPv4 address but loopback");
  return found.address;
}

export async function startBackend(): Promise<Backend> {
  let received = 0;
  const address = ownAddress();
  const server: Server = createServer((request, response) => {
    const hash = createHash("sha256");
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      received += chunk.length;
      hash.update(chunk);
    });
    request.on("end", () => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify(seen(request, bytes, hash.digest("hex"))));
    });
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex) => echo(request, socket));
  server.listen(0, address);
  await once(server, "listening");
  return {
    address,
    port: (server.address() as AddressInfo).port,
    received: () => received,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function seen(request: IncomingMessage, bytes: number, sha256: string): Seen {
  const headers = Object.fromEntries(
    Object.entries(request.headers).map(([name, value]) => [name, [value].flat().join(", ")]),
  );
  return { host: request.headers.host ?? "", url: request.url ?? "", headers, bytes, sha256 };
}

const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** RFC 6455 for short text: its first message is what the request's headers said, then each comes back. */
function echo(request: IncomingMessage, socket: Duplex): void {
  const accept = createHash("sha1")
    .update(`${request.headers["sec-websocket-key"]}${MAGIC}`)
    .digest("base64");
  const head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
  socket.write([...head, `Sec-WebSocket-Accept: ${accept}`, "", ""].join("\r\n"));
  socket.on("error", () => undefined);
  socket.on("data", (frame: Buffer) => {
    const opcode = (frame[0] ?? 0) & 0x0f;
    const length = (frame[1] ?? 0) & 0x7f;
    if (opcode === 8 || length > 125) return void socket.end();
    const mask = frame.subarray(2, 6);
    const text = Buffer.from(
      frame.subarray(6, 6 + length).map((byte, index) => byte ^ (mask[index % 4] ?? 0)),
    );
    const said = Buffer.from(`${request.headers.host} says ${text.toString()}`);
    socket.write(Buffer.concat([Buffer.from([0x81, said.length]), said]));
  });
}
