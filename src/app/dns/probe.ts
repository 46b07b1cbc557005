/** One probe: a real request over TLS, as a user's would be, judged by what comes back. */
import { request } from "node:https";
import { rootCertificates } from "node:tls";

/** Traefik's answer where it knows no route. */
const NO_ROUTE = "404 page not found";
const LONGEST_BODY = 256;

export interface ProbeTarget {
  readonly address: string;
  readonly port: number;
  /** In the handshake and as Host. */
  readonly name: string;
  readonly timeoutMs: number;
  /** PEM of each who may have signed the certificate that is shown. */
  readonly authorities: readonly string[];
}

/** Who may have signed what sites show, and what services do: those may have public certificates of their own. */
export function trusted(
  authority: string,
  publicAuthorities: boolean,
): { readonly sites: readonly string[]; readonly services: readonly string[] } {
  const services = [authority, ...rootCertificates];
  return { sites: publicAuthorities ? services : [authority], services };
}

export interface Found {
  readonly works: boolean;
  /** In words: a status or what failed. */
  readonly found: string;
}

/** A site works where its ingress answers at all: even "there is no such page" is its own answer. */
export function probeSite(target: ProbeTarget): Promise<Found> {
  return probe(target, (status) => status < 500);
}

/** A service works where it answers itself, not the ingress for it. */
export function probeService(target: ProbeTarget): Promise<Found> {
  return probe(
    target,
    (status, body) => ![502, 503, 504].includes(status) && !(status === 404 && body.trim() === NO_ROUTE),
  );
}

function probe(target: ProbeTarget, judge: (status: number, body: string) => boolean): Promise<Found> {
  const { address, port, name, timeoutMs, authorities } = target;
  return new Promise((resolve) => {
    const asked = request({
      host: address,
      port,
      servername: name,
      path: "/",
      headers: { host: name, "user-agent": "panopticon-steering", connection: "close" },
      // A connection that is kept would say nothing of new ones.
      agent: false,
      ca: [...authorities],
      signal: AbortSignal.timeout(timeoutMs),
    });
    const end = (found: Found): void => {
      resolve(found);
      asked.destroy();
    };
    asked.on("error", (error: NodeJS.ErrnoException) =>
      end({
        works: false,
        found:
          error.name === "AbortError" || error.name === "TimeoutError"
            ? `no answer in ${timeoutMs} ms`
            : (error.code ?? error.message),
      }),
    );
    asked.once("response", (response) => {
      let body = "";
      const status = response.statusCode ?? 0;
      const judged = (): void => end({ works: judge(status, body), found: `HTTP ${status}` });
      response.setEncoding("latin1");
      response.on("data", (piece: string) => {
        body += piece;
        if (body.length > LONGEST_BODY) judged();
      });
      response.once("error", () => end({ works: false, found: `HTTP ${status}, then nothing` }));
      response.once("end", judged);
    });
    asked.end();
  });
}
