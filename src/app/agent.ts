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
import { ensureKeys } from "#control/federation/join/keys.ts";
import type { KeyPair } from "#control/federation/join/seal.ts";
import { readJoinToken } from "#control/federation/join/token.ts";
import { superviseSite } from "#control/federation/agent/supervise.ts";
import { pause, systemClock } from "#control/runtime/clock.ts";
import type { ElectionTimes } from "#control/runtime/election.ts";
import { elect } from "#control/runtime/leader.ts";
import type { Running } from "#control/runtime/run.ts";
import { siteControllers } from "#control/controllers.ts";
import { openKube } from "#drivers/kube/client.ts";
import { readKubeconfig } from "#drivers/kube/kubeconfig.ts";
import { joinedHub } from "./membership.ts";
import { openReach } from "./reach.ts";

/** Losing the lead means to learn everything anew, so a restart of the site's API server must not cost it. */
const TIMES: ElectionTimes = { leaseSeconds: 20, deadlineSeconds: 15, renewSeconds: 2 };

export interface AgentOptions {
  readonly site: string;
  /** Of the site's own API. */
  readonly kubeconfig: string;
  readonly context?: string;
  /** Its current context is used for the first hub, others for the sites of their names. Missing at a founding hub, and where the site has joined with a token. */
  readonly hubKubeconfig?: string;
  readonly kind: CrownSite["kind"];
  /** Brings a new site into the federation; a secret. Not needed once it has joined. */
  readonly joinToken?: string;
  /** How other sites reach this one's API; the address in its kubeconfig where not given. */
  readonly endpoints?: readonly string[];
  /** Of health and metrics; any free one where it is 0. */
  readonly port: number;
  /** Their address: loopback, or a pod's own, which its kubelet asks. */
  readonly listen: string;
  /** False where somebody else keeps the site's resources and policies. */
  readonly install: boolean;
}

/** Works until `signal` is aborted. Or until the site has left its federation. Errors: KUBECONFIG_…, CONTROL_PORT, FEDERATION_JOIN_…, FEDERATION_SITE_REMOVED. */
export async function runAgent(options: AgentOptions, emit: Emit, signal: AbortSignal): Promise<void> {
  const access = await readKubeconfig(options.kubeconfig, options.context);
  const own = openKube(access.settings);
  if (options.joinToken !== undefined) readJoinToken(options.joinToken);
  let known: Promise<KeyPair> | undefined;
  const keys = (): Promise<KeyPair> =>
    (known ??= ensureKeys(own).catch((error: unknown) => {
      known = undefined;
      throw error;
    }));
  const reach = await openReach({ site: options.site, own, keys, hubKubeconfig: options.hubKubeconfig });
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
      const removed = reach.first && (await removedFrom(own, reach.first, options.site));
      if (removed) return leave(removed);
      if (options.install) await installResources(own);
      // Before the fence, which shuts a hub that is nobody's.
      await claim(own, site, systemClock.wall().toISOString());
      if (options.install) await installFence(own, options.site, await userNameOf(own));
    });
    const { joinToken } = options;
    const hub = reach.first ? undefined : await joinedHub({ own, site, keys, joinToken, emit, signal: ends });
    if (hub) reach.joined(hub);
    const { publicKey } = (await untilDone(ends, emit, options.site, keys)) ?? { publicKey: "" };
    const place = { namespace: SYSTEM_NAMESPACE, name: "panopticon-agent" };
    const identity = `${hostname()}-${randomUUID().slice(0, 8)}`;
    const tools = { clock: systemClock, random: Math.random };
    await elect({ kube: own, ...place, identity, times: TIMES, ...tools, signal: ends }, (term) =>
      superviseSite({
        site: options.site,
        own,
        firstHub: reach.first,
        named: reach.named,
        open: (other) => reach.open(other),
        controllers: (term, ready) => siteControllers(term, site, ready, publicKey),
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
    await Promise.all([own.close(), reach.close()]);
  }
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
async function untilDone<T>(
  signal: AbortSignal,
  emit: Emit,
  site: string,
  work: () => Promise<T>,
): Promise<T | undefined> {
  while (!signal.aborted) {
    try {
      return await work();
    } catch (error) {
      emit({ kind: "note", subject: site, what: `${(error as Error).message}; trying again` });
      await pause(systemClock, 1000, signal);
    }
  }
  return undefined;
}
