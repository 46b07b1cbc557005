/**
 * Asks one name server one question, from inside the network namespace that it is
 * started in: `node ask-names.ts SERVER NAME TYPE`. Says what it heard as JSON.
 * A program of its own, because a process can't change its namespace.
 */
import { Resolver } from "node:dns/promises";
import { stdout } from "node:process";

const TIMEOUT_MS = 1500;

const [server = "", name = "", type = "A"] = process.argv.slice(2);
const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: 1 });
resolver.setServers([server]);

try {
  const found =
    type === "A" ? await resolver.resolve4(name, { ttl: true }) : await resolver.resolve(name, type);
  stdout.write(JSON.stringify({ answers: [found].flat() }));
} catch (error) {
  stdout.write(JSON.stringify({ code: (error as NodeJS.ErrnoException).code ?? String(error) }));
}
