/** A thin Kubernetes client: objects as the API has them, nothing renamed, one set of connections per cluster. */
import {
  type ApplyOptions,
  type DeleteOptions,
  type Kube,
  KubeError,
  type WriteOptions,
  apiPath,
} from "#ports/kube.ts";
import { discover } from "./discovery.ts";
import { type FollowGround, listAndWatch } from "./follow.ts";
import { listAll } from "./list.ts";
import { type Answer, openRecovery } from "./recovery.ts";
import { openSender } from "./send.ts";
import { openStatistics } from "./statistics.ts";
import { type KubeRequest, type KubeSettings, type Transport, openTransport } from "./transport.ts";
import { watchOnce } from "./watch.ts";

const FIELD_MANAGER = "panopticon";
/** Of the question whether a server is back: a lost packet is sent again only after a second. */
const PROBE_SECONDS = 3;

/** Opens nothing yet: the first request connects. */
export function openKube(settings: KubeSettings): Kube {
  const { server } = settings;
  const random = Math.random;
  const statistics = openStatistics();
  const transport = openTransport(settings, statistics);
  const closing = new AbortController();
  const send = openSender(server, transport);
  const recovery = openRecovery(() => isBack(transport), random);
  const ground: FollowGround = {
    server,
    transport,
    random,
    statistics,
    send,
    recovery,
    closed: closing.signal,
  };
  const get: Kube["get"] = (ref, options) => send(reading(apiPath(ref)), options);
  return {
    get,
    find: (ref, options) => orUndefined(get(ref, options)),
    list: (from, options) => listAll(send, from, options),
    create: (into, body, options) =>
      send({ method: "POST", path: writing(apiPath(into), options), body, repeatable: false }, options),
    apply: (ref, object, options) => send(applying(apiPath(ref), object, options), options),
    replace: (ref, body, options) =>
      send({ method: "PUT", path: writing(apiPath(ref), options), body, repeatable: false }, options),
    patch: (ref, body, options) => {
      const contentType = Array.isArray(body)
        ? "application/json-patch+json"
        : "application/merge-patch+json";
      const path = writing(apiPath(ref), options);
      return send({ method: "PATCH", path, body, contentType, repeatable: false }, options);
    },
    delete: async (ref, options = {}) =>
      (await orUndefined(send<object>(deleting(apiPath(ref), options), options))) !== undefined,
    watch: (from, options) => watchOnce(ground, from, options),
    listAndWatch: (from, follower, options) => listAndWatch(ground, from, follower, options),
    discover: (options) => discover(send, options),
    raw: (path, options) => transport.send(reading(path, false), options),
    statistics: () => statistics.snapshot(),
    close: () => {
      closing.abort(new Error(`the client of ${server} was closed`));
      return transport.close();
    },
  };
}

async function isBack(transport: Transport): Promise<Answer> {
  try {
    const { status } = await transport.send(reading("/readyz", false), { timeoutSeconds: PROBE_SECONDS });
    return status >= 500 ? "unready" : "ready";
  } catch {
    return "silent";
  }
}

function reading(path: string, repeatable = true): KubeRequest {
  return { method: "GET", path, repeatable };
}

/** JSON is YAML too. The same object applied twice is applied once. */
function applying(path: string, body: object, options: ApplyOptions = {}): KubeRequest {
  const contentType = "application/apply-patch+yaml";
  const force = `&force=${options.force ?? true}`;
  return { method: "PATCH", path: writing(path, options) + force, body, contentType, repeatable: true };
}

function deleting(path: string, options: DeleteOptions): KubeRequest {
  const { propagation, preconditions, dryRun, graceSeconds } = options;
  const body = {
    propagationPolicy: propagation ?? "Background",
    ...(graceSeconds !== undefined && { gracePeriodSeconds: graceSeconds }),
    ...(preconditions && { preconditions }),
    ...(dryRun && { dryRun: ["All"] }),
  };
  return { method: "DELETE", path, body, repeatable: false };
}

function writing(path: string, { fieldManager = FIELD_MANAGER, dryRun }: WriteOptions = {}): string {
  return `${path}?fieldManager=${encodeURIComponent(fieldManager)}${dryRun ? "&dryRun=All" : ""}`;
}

async function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return undefined;
    throw error;
  }
}
