/** Lists in pages: objects as they come, and the moment the list is true for. */
import {
  type Collection,
  KubeError,
  type KubeObject,
  type ObjectList,
  type RequestOptions,
  type Selectors,
  apiPath,
} from "#ports/kube.ts";
import type { Send } from "./send.ts";

const PAGE_SIZE = 500;

export interface PageOptions<T> extends RequestOptions, Selectors {
  readonly pageSize?: number;
  /** Called with each object and its page's head as it arrives. */
  readonly trim?: (object: T, page: Page<T>) => T;
}

export interface Page<T> {
  readonly apiVersion?: string;
  /** Such as `ConfigMapList`. */
  readonly kind?: string;
  readonly items: readonly T[] | null;
  readonly metadata: { readonly continue?: string; readonly resourceVersion?: string };
}

/** Page by page; where the server has forgotten the list's start meanwhile (410), all at once instead. */
export async function listAll<T extends KubeObject>(
  send: Send,
  from: Collection<T>,
  options: PageOptions<T> = {},
): Promise<ObjectList<T>> {
  const { pageSize = PAGE_SIZE, trim } = options;
  const take = (page: Page<T>): readonly T[] => {
    const items = page.items ?? [];
    return trim ? items.map((item) => trim(item, page)) : items;
  };
  const items: T[] = [];
  try {
    for (let next: string | undefined = ""; ; ) {
      const query = { limit: String(pageSize), ...(next && { continue: next }) };
      const page: Page<T> = await getPage(send, from, query, options);
      for (const item of take(page)) items.push(item);
      next = page.metadata.continue;
      if (!next) return { items, resourceVersion: page.metadata.resourceVersion ?? "" };
    }
  } catch (error) {
    if (!(error instanceof KubeError && error.status === 410)) throw error;
  }
  const whole = await getPage(send, from, {}, options);
  return { items: take(whole), resourceVersion: whole.metadata.resourceVersion ?? "" };
}

/** How far the server has come, for the price of one object. */
export async function currentVersion(
  send: Send,
  from: Collection,
  options: RequestOptions & Selectors,
): Promise<string> {
  const { metadata } = await getPage(send, from, { limit: "1" }, options);
  return metadata.resourceVersion ?? "";
}

/** The query of a list or a watch, with its `?`. */
export function queryOf(selectors: Selectors, query: Readonly<Record<string, string>>): string {
  const { labelSelector, fieldSelector } = selectors;
  const chosen = { ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) };
  return `?${new URLSearchParams({ ...chosen, ...query }).toString()}`;
}

function getPage<T extends KubeObject>(
  send: Send,
  from: Collection<T>,
  query: Readonly<Record<string, string>>,
  options: RequestOptions & Selectors,
): Promise<Page<T>> {
  const path = apiPath(from) + queryOf(options, query);
  return send({ method: "GET", path, repeatable: true }, options);
}
