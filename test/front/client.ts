/** Somebody outside: asks Traefik by whatever name, with whatever headers, trusting our authority alone. */
import { once } from "node:events";
import { type IncomingMessage, type OutgoingHttpHeaders, request as plainRequest } from "node:http";
import { Agent, request } from "node:https";
import type { LookupFunction } from "node:net";
import { Agent as Dispatcher, WebSocket } from "undici";
import { ownAddress } from "./backend.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface Asked {
  /** In place of the name itself. */
  readonly host?: string;
  /** In place of the name, for TLS. */
  readonly sni?: string;
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly method?: string;
  /** Pieces of the body, sent as they come. */
  readonly body?: AsyncIterable<Uint8Array>;
}

export interface Client {
  get(name: string, asked?: Asked): Promise<Answer>;
  /** By HTTP, where nothing is encrypted. */
  plain(name: string, asked?: Asked): Promise<Answer>;
  /** What comes back over a WebSocket for these texts. */
  talk(name: string, texts: readonly string[]): Promise<readonly string[]>;
  close(): Promise<void>;
}

export function openClient(ports: { readonly web: number; readonly websecure: number }, ca: string): Client {
  const address = ownAddress();
  const agent = new Agent({ keepAlive: true, ca });
  const dispatcher = new Dispatcher({ connect: { ca, lookup: lookupOf(address) } });
  const ask = async (secure: boolean, name: string, asked: Asked): Promise<Answer> => {
    const { host = name, sni = name, path = "/", headers = {}, method = "GET", body } = asked;
    const target = { host: address, path, method, headers: { host, ...headers } };
    const sent = secure
      ? request({ ...target, port: ports.websecure, servername: sni, agent })
      : plainRequest({ ...target, port: ports.web });
    const answered = once(sent, "response");
    answered.catch(() => undefined);
    if (body) for await (const piece of body) if (!sent.write(piece)) await once(sent, "drain");
    sent.end();
    const [response] = (await answered) as [IncomingMessage];
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      text: Buffer.concat(chunks).toString(),
    };
  };
  return {
    get: (name, asked = {}) => ask(true, name, asked),
    plain: (name, asked = {}) => ask(false, name, asked),
    async talk(name, texts) {
      const socket = new WebSocket(`wss://${name}:${ports.websecure}/`, { dispatcher });
      const opened = new Promise((resolve, reject) => {
        socket.addEventListener("open", resolve);
        socket.addEventListener("error", () => reject(new Error(`no WebSocket at ${name}`)));
      });
      await opened;
      const said: string[] = [];
      for (const text of texts) {
        const answer = new Promise<string>((resolve) => {
          socket.addEventListener("message", ({ data }) => resolve(String(data)), { once: true });
        });
        socket.send(text);
        said.push(await answer);
      }
      socket.close();
      return said;
    },
    async close() {
      agent.destroy();
      await dispatcher.destroy();
    },
  };
}

/** Every name is at one address, as a resolver would say. */
function lookupOf(address: string): LookupFunction {
  return (_name, options, done) =>
    options.all ? done(null, [{ address, family: 4 }]) : done(null, address, 4);
}
