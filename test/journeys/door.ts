/** Asks a site's ingress for a page as a browser that has just learnt its address. */
import { request } from "node:https";
import type { Ask } from "./asking.ts";

const PATIENCE_MS = 30_000;

/** Asks whatever address it is given for `host`, over TLS. @param ca PEM of who is trusted */
export function askingFor(host: string, ca: string): Ask {
  return (address) =>
    new Promise((resolve) => {
      const signal = AbortSignal.timeout(PATIENCE_MS);
      const asked = request({ host: address, servername: host, headers: { host }, ca, agent: false, signal });
      asked.once("error", ({ message }) => resolve(message));
      asked.once("response", (response) => {
        response.resume();
        response.once("error", ({ message }) => resolve(message));
        response.once("end", () =>
          resolve(response.statusCode === 200 ? undefined : `HTTP ${response.statusCode}`),
        );
      });
      asked.end();
    });
}
