/**
 * A client outside all sites, run as a process of its own where the internet is:
 * it learns addresses from any of the domain's name servers, keeps them as long
 * as their TTL says, and asks for a page ten times a second over new connections.
 * Beside that it asks each name server by itself.
 * Its only argument is an `AskerInput`; it ends with its standard input.
 */
import { Resolver } from "node:dns/promises";
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { stdin, stdout } from "node:process";
import {
  type Answer,
  type AskerInput,
  type ClientKind,
  EVERY_MS,
  NAMES_EVERY_MS,
  type Question,
} from "./question.ts";

const PAGE_MS = 1000;
/** As long as browsers give an address before they try the next one as well. */
const NEXT_MS = 300;
const NAMES_MS = 1000;

const { host, servers, authority } = JSON.parse(process.argv[2] ?? "{}") as AskerInput;
const ca = readFileSync(authority);

interface Known {
  readonly addresses: readonly string[];
  readonly until: number;
}

/** Asks the servers one after the other, beginning with any; as a resolver does that serves many. */
async function learn(): Promise<Known> {
  const from = Math.floor(Math.random() * servers.length);
  for (const server of [...servers.slice(from), ...servers.slice(0, from)]) {
    const resolver = new Resolver({ timeout: NAMES_MS, tries: 1 });
    resolver.setServers([server]);
    const found = await resolver.resolve4(host, { ttl: true }).catch(() => []);
    const [first] = found;
    if (first)
      return { addresses: found.map(({ address }) => address), until: Date.now() + first.ttl * 1000 };
  }
  throw new Error("no name server answers");
}

/** Names are asked for once, however many wait for the answer. */
function cached(): () => Promise<readonly string[]> {
  let known: Known = { addresses: [], until: 0 };
  let learning: Promise<Known> | undefined;
  return async () => {
    if (Date.now() < known.until) return known.addresses;
    learning ??= learn().finally(() => (learning = undefined));
    known = await learning;
    return known.addresses;
  };
}

function page(address: string, patienceMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const signal = AbortSignal.timeout(patienceMs);
    const asked = request({ host: address, servername: host, headers: { host }, ca, agent: false, signal });
    asked.once("error", reject);
    asked.once("response", (response) => {
      response.resume();
      response.once("error", reject);
      response.once("end", () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`HTTP ${response.statusCode}`)),
      );
    });
    asked.end();
  });
}

async function ask(client: ClientKind, names: () => Promise<readonly string[]>): Promise<void> {
  const [first = "", ...others] = await names();
  if (client === "first") return page(first, PAGE_MS);
  const later = others.map(async (address, index) => {
    await new Promise((resolve) => setTimeout(resolve, NEXT_MS * (index + 1)));
    return page(address, PAGE_MS);
  });
  await Promise.any([page(first, PAGE_MS), ...later]);
}

async function question(client: ClientKind, names: () => Promise<readonly string[]>): Promise<void> {
  const asked = Date.now();
  const trouble = await ask(client, names).then(
    () => "",
    (error: Error) => error.message || error.name,
  );
  const said: Question = { client, asked, ended: Date.now(), trouble };
  stdout.write(`${JSON.stringify(said)}\n`);
}

/** What each server says, whoever else is asked: what clients see hides one that is wrong. */
async function answer(server: string): Promise<void> {
  const asked = Date.now();
  const resolver = new Resolver({ timeout: NAMES_MS, tries: 1 });
  resolver.setServers([server]);
  const said = await resolver.resolve4(host).then(
    (addresses): Answer => ({ server, asked, addresses: addresses.toSorted(), trouble: "" }),
    ({ code = "?" }: NodeJS.ErrnoException): Answer => ({ server, asked, addresses: [], trouble: code }),
  );
  stdout.write(`${JSON.stringify(said)}\n`);
}

for (const server of servers) setInterval(() => void answer(server), NAMES_EVERY_MS);
for (const client of ["first", "all"] as const) {
  const names = cached();
  setInterval(() => void question(client, names), EVERY_MS);
}
stdin.resume();
stdin.once("end", () => process.exit(0));
