/** A thin Kubernetes client: objects as the API has them, nothing renamed, one set of connections per cluster. */
import {
  type Collection,
  type Kube,
  KubeError,
  type KubeObject,
  type ListOptions,
  type ObjectList,
  type RequestOptions,
  apiPath,
} from "#ports/kube.ts";
import { refused, unreadable } from "./failure.ts";
import { type KubeRequest, type KubeSettings, openTransport } from "./transport.ts";

const FIELD_MANAGER = "panopticon";
const PAGE_SIZE = 500;

type Send = <T>(request: KubeRequest, options: RequestOptions | undefined) => Promise<T>;

/** Opens nothing yet: the first request connects. */
export function openKube(settings: KubeSettings): Kube {
  const transport = openTransport(settings);
  const send: Send = async <T>(request: KubeRequest, options: RequestOptions | undefined) => {
    const what = `${request.method} ${request.path}`;
    const answer = await transport.send(request, options);
    if (answer.status >= 300) throw refused(settings.server, what, answer);
    try {
      return JSON.parse(answer.text) as T;
    } catch (cause) {
      throw unreadable(settings.server, what, answer.status, cause);
    }
  };
  const get: Kube["get"] = (ref, options) => send(reading(apiPath(ref)), options);
  return {
    get,
    find: (ref, options) => orUndefined(get(ref, options)),
    list: (from, options = {}) => listAll(send, from, options),
    create: (into, body, options) =>
      send({ method: "POST", path: managed(apiPath(into)), body, repeatable: false }, options),
    apply: (ref, object, options) => send(applying(apiPath(ref), object), options),
    patch: (ref, body, options) => {
      const contentType = "application/merge-patch+json";
      const path = managed(apiPath(ref));
      return send({ method: "PATCH", path, body, contentType, repeatable: false }, options);
    },
    delete: async (ref, options = {}) => {
      const body = { propagationPolicy: options.propagation ?? "Background" };
      const request: KubeRequest = { method: "DELETE", path: apiPath(ref), body, repeatable: false };
      return (await orUndefined(send<object>(request, options))) !== undefined;
    },
    raw: (path, options) => transport.send(reading(path, false), options),
    close: () => transport.close(),
  };
}

/** Page by page; where the server has forgotten the list's start meanwhile (410), all at once instead. */
async function listAll<T extends KubeObject>(
  send: Send,
  from: Collection<T>,
  options: ListOptions,
): Promise<ObjectList<T>> {
  const { labelSelector, fieldSelector, pageSize = PAGE_SIZE } = options;
  const selectors = { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) };
  const page = (query: Record<string, string>): Promise<Page<T>> =>
    send(reading(`${apiPath(from)}?${new URLSearchParams({ ...selectors, ...query }).toString()}`), options);
  const items: T[] = [];
  try {
    for (let next: string | undefined = ""; ; ) {
      const query = { limit: String(pageSize), ...(next && { continue: next }) };
      const { items: more, metadata }: Page<T> = await page(query);
      items.push(...more);
      next = metadata.continue;
      if (!next) return { items, resourceVersion: metadata.resourceVersion ?? "" };
    }
  } catch (error) {
    if (!(error instanceof KubeError && error.status === 410)) throw error;
  }
  const whole = await page({});
  return { items: whole.items, resourceVersion: whole.metadata.resourceVersion ?? "" };
}

function reading(path: string, repeatable = true): KubeRequest {
  return { method: "GET", path, repeatable };
}

/** JSON is YAML too. The same object applied twice is applied once. */
function applying(path: string, body: object): KubeRequest {
  const query = `?fieldManager=${FIELD_MANAGER}&force=true`;
  const contentType = "application/apply-patch+yaml";
  return { method: "PATCH", path: path + query, body, contentType, repeatable: true };
}

function managed(path: string): string {
  return `${path}?fieldManager=${FIELD_MANAGER}`;
}

async function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return undefined;
    throw error;
  }
}

interface Page<T> {
  readonly items: readonly T[];
  readonly metadata: { readonly continue?: string; readonly resourceVersion?: string };
}
