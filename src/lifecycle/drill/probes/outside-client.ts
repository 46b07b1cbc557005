/**
 * The client that stands outside every site: a process of its own, since it is
 * started in another network. Its arguments are `SITE=ADDRESS:PORT`; it asks each
 * of them again and again and sends its parent the argument for every answer. It
 * ends when its parent does.
 */
import { get } from "node:http";

const EVERY_MS = 50;
const TIMEOUT_MS = 1000;

const timers = process.argv.slice(2).map((target) => {
  const [, place = ""] = target.split("=");
  const [host = "", port = ""] = place.split(":");
  return setInterval(() => ask(target, host, Number(port)), EVERY_MS);
});
process.on("disconnect", () => {
  for (const timer of timers) clearInterval(timer);
});

function ask(target: string, host: string, port: number): void {
  const asked = get({ host, port, path: "/", agent: false }, (response) => {
    if (response.statusCode === 200) process.send?.(target);
    response.resume();
  });
  const late = setTimeout(() => asked.destroy(), TIMEOUT_MS);
  asked.on("error", () => undefined);
  asked.on("close", () => clearTimeout(late));
}
