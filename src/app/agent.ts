/** One site's agent as a process: clients, election, controllers, health and metrics. */
import { randomUUID } from "node:crypto";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import type { Emit } from "#base/events.ts";
import { type PanopticonError, worldFailed } from "#base/errors.ts";
import type { CrownSite } from "#control/federation/api/crown.ts";
import { SYSTEM_NAMESPACE } from "#control/federation/api/names.ts";
import { claim, installFence, installResources, userNameOf } from "#control/federation/agent/install.ts";
import { removedFrom } from "#control/federation/agent/crowns.ts";
import { superviseSite } from "#control/federation/agent/supervise.ts";
import { pause, systemClock } from "#control/runtime/clock.ts";
import type { ElectionTimes } from "#control/runtime/election.ts";
import { elect } from "#control/runtime/leader.ts";
import type { Running } from "#control/runtime/run.ts";
import { siteControllers } from "#control/controllers.ts";
import { openKube } from "#drivers/kube/client.ts";
import { type KubeAccess, readKubeconfig } from "#drivers/kube/kubeconfig.ts";
import type { Kube } from "#ports/kube.ts";
import { contextNames } from "./contexts.ts";

/** Losing the lead means to learn everything anew, so a restart of the site's API server must not cost it. */
const TIMES: ElectionTimes = { leaseSeconds: 20, deadlineSeconds: 15, renewSeconds: 2 };

export interface AgentOptions {
  readonly site: string;
  /** Of the site's own API. */
  readonly kubeconfig: string;
  readonly context?: string;
  /** Its contexts are named as the sites are; the current one is used for the first hub. Missing at a founding hub. */
  readonly hubKubeconfig?: string;
  readonly kind: CrownSite["kind"];
  /** How other sites reach this one's API; the address in its kubeconfig where not given. */
  readonly endpoints?: readonly string[];
  /** Of health and metrics; any free one where it is 0. */
  readonly port: number;
  /** Their address: loopback, or a pod's own, which its kubelet asks. */
  readonly listen: string;
  /** False where somebody else keeps the site's resources and policies. */
  readonly install: boolean;
}

/** Works until `signal` is aborted, or until the site has left its federation. Errors: KUBECONFIG_…, CONTROL_PORT, FEDERATION_SITE_REMOVED. */
export async function runAgent(options: AgentOptions, emit: Emit, signal: AbortSignal): Promise<void> {
  const access = await readKubeconfig(options.kubeconfig, options.context);
  const own = openKube(access.settings);
  const others = options.hubKubeconfig === undefined ? undefined : await openOthers(options.hubKubeconfig);
  let running: Running | undefined;
  const server = await serve(options, () => running);
  const { port } = server.address() as AddressInfo;
  emit({
    kind: "note",
    subject: options.site,
    what: `health and metrics at http://${options.listen}:${port}`,
  });
  const { authority, server: address } = access.settings;
  const site = {
    name: options.site,
    kind: options.kind,
    endpoints: options.endpoints ?? [address],
    ...(authority !== undefined && { caBundle: Buffer.from(authority).toString("base64") }),
  };
  const left = new AbortController();
  let refusal: PanopticonError | undefined;
  const leave = (error?: PanopticonError): void => {
    refusal = error;
    left.abort(new Error(`${options.site} is in the federation no more`));
  };
  const ends = AbortSignal.any([signal, left.signal]);
  try {
    await untilDone(ends, emit, options.site, async () => {
      const removed = others && (await removedFrom(own, others.first, options.site));
      if (removed) return leave(removed);
      if (options.install) await installResources(own);
      // Before the fence, which shuts a hub that is nobody's.
      await claim(own, site, systemClock.wall().toISOString());
      if (options.install) await installFence(own, options.site, await userNameOf(own));
    });
    const place = { namespace: SYSTEM_NAMESPACE, name: "panopticon-agent" };
    const identity = `${hostname()}-${randomUUID().slice(0, 8)}`;
    const tools = { clock: systemClock, random: Math.random };
    await elect({ kube: own, ...place, identity, times: TIMES, ...tools, signal: ends }, (term) =>
      superviseSite({
        site: options.site,
        own,
        firstHub: others?.first,
        open: (other) => others?.open(other),
        controllers: (term, ready) => siteControllers(term, site, ready),
        ...tools,
        emit,
        signal: term,
        running: (now) => (running = now),
        leave,
      }),
    );
    if (refusal) throw refusal;
  } finally {
    server.close();
    await Promise.all([own.close(), others?.close()]);
  }
}

interface Others {
  readonly first: Kube;
  open(site: CrownSite): Kube | undefined;
  close(): Promise<unknown>;
}

/** Clients of other sites, by the contexts of one kubeconfig; the address is the crown's where it has one. */
async function openOthers(file: string): Promise<Others> {
  const opened: Kube[] = [];
  const keep = (kube: Kube): Kube => {
    opened.push(kube);
    return kube;
  };
  const first = keep(openKube((await readKubeconfig(file)).settings));
  const known = await contextsOf(file);
  return {
    first,
    open({ name, endpoints: [endpoint], caBundle }) {
      const access = known.get(name);
      if (!access) return undefined;
      const authority = caBundle === undefined ? undefined : Buffer.from(caBundle, "base64").toString();
      return keep(
        openKube({
          ...access.settings,
          ...(endpoint !== undefined && { server: endpoint }),
          ...(authority !== undefined && { authority }),
        }),
      );
    },
    close: () => Promise.all(opened.map((kube) => kube.close())),
  };
}

async function contextsOf(file: string): Promise<ReadonlyMap<string, KubeAccess>> {
  const names = await contextNames(file);
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readKubeconfig(file, name)] as const)),
  );
}

/** Health (`/healthz`) and Prometheus metrics (`/metrics`). */
function serve(
  { port, listen }: Pick<AgentOptions, "port" | "listen">,
  running: () => Running | undefined,
): Promise<Server> {
  const server = createServer((request, response) => {
    const now = running();
    if (request.url === "/metrics") {
      response.setHeader("content-type", "text/plain; version=0.0.4");
      response.end(now?.metrics() ?? "");
    } else if (request.url === "/healthz") {
      const { healthy, reasons } = now?.health() ?? { healthy: true, reasons: [] };
      response.statusCode = healthy ? 200 : 503;
      response.end(healthy ? "ok\n" : `${reasons.join("\n")}\n`);
    } else {
      response.statusCode = 404;
      response.end("there are /healthz and /metrics\n");
    }
  });
  return new Promise((resolve, reject) => {
    server.once("error", (cause) =>
      reject(
        worldFailed(
          "CONTROL_PORT",
          `port ${port} of ${listen} can't be used`,
          "Name another one with --port, or another address with --listen.",
          cause,
        ),
      ),
    );
    server.listen(port, listen, () => resolve(server));
  });
}

/** A site whose API is away at the start is waited for. */
async function untilDone(
  signal: AbortSignal,
  emit: Emit,
  site: string,
  work: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      return await work();
    } catch (error) {
      emit({ kind: "note", subject: site, what: `${(error as Error).message}; trying again` });
      await pause(systemClock, 1000, signal);
    }
  }
}
