/**
 * The client that stands outside every site: a process of its own, since it is
 * started in another network. Its arguments are `SITE=ADDRESS:PORT`; it asks each
 * of them again and again and prints the site's name for every answer. It ends
 * when its standard input does, so that it never outlives who started it.
 */
import { get } from "node:http";

const EVERY_MS = 50;
const TIMEOUT_MS = 1000;

for (const target of process.argv.slice(2)) {
  const [site = "", place = ""] = target.split("=");
  const [host = "", port = ""] = place.split(":");
  setInterval(() => ask(`${site}=${place}`, host, Number(port)), EVERY_MS);
}
process.stdin.on("end", () => process.exit(0)).resume();

function ask(target: string, host: string, port: number): void {
  const asked = get({ host, port, path: "/", agent: false }, (response) => {
    if (response.statusCode === 200) process.stdout.write(`${target}\n`);
    response.resume();
  });
  const late = setTimeout(() => asked.destroy(), TIMEOUT_MS);
  asked.on("error", () => undefined);
  asked.on("close", () => clearTimeout(late));
}
