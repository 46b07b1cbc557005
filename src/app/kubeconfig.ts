/**
 * The person's own kubeconfig, so that kubectl, Helm and k9s just work: one
 * context per site beside whatever is there. Only entries of ours are touched.
 */
import { realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import {
  type Document,
  LineCounter,
  type YAMLMap,
  YAMLSeq,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
} from "yaml";
import { PanopticonError, worldFailed, wrongUse } from "#base/errors.ts";
import { stableJson } from "#base/hash.ts";
import { type KubeconfigContent, kubeconfigEntries } from "#converge/pki/kubeconfig.ts";
import { readIfThere, replaceFile } from "#converge/pki/store.ts";
import type { KeyedCertificate } from "#converge/pki/x509.ts";

/** What a site's context is made of. */
export interface SiteAccess {
  readonly federation: string;
  /** Also the context's name. */
  readonly site: string;
  /** `https://VIP:6443`. */
  readonly server: string;
  /** PEM. */
  readonly authority: string;
  readonly client: KeyedCertificate;
}

type Kind = "cluster" | "user" | "context";
const LISTS = { cluster: "clusters", user: "users", context: "contexts" } as const;

/**
 * The text with one context per site added or renewed; the same text where
 * nothing changes. Errors: KUBECONFIG_UNREADABLE (`existing` is no kubeconfig),
 * KUBECONFIG_CONTEXT_TAKEN (a context of a site's name is not ours). `file` is
 * for the errors only.
 */
export function mergeKubeconfig(
  existing: string | undefined,
  sites: readonly SiteAccess[],
  file: string,
): string {
  const text = existing ?? "";
  const document = readKubeconfig(text, file);
  let changed = false;
  for (const site of sites) {
    refuseForeign(document, site, file);
    const entries = kubeconfigEntries(contentOf(site));
    const own = entryName(site.federation, site.site);
    for (const kind of ["cluster", "user"] as const) {
      changed = setEntry(document, kind, own, entries[kind]) || changed;
    }
    // What the person added to the context, such as a namespace, stays.
    const present = findEntry(document, "context", site.site)?.toJS(document) as
      | { context?: object }
      | undefined;
    const context = { ...present?.context, ...entries.context };
    changed = setEntry(document, "context", site.site, context) || changed;
  }
  const first = sites[0];
  if (first && !document.get("current-context")) {
    document.set("current-context", first.site);
    changed = true;
  }
  return changed ? print(document, text) : text;
}

/** The text without the contexts, clusters and users of these sites; the same text where there are none. */
export function removeFromKubeconfig(
  existing: string,
  federation: string,
  sites: readonly string[],
  file: string,
): string {
  const document = readKubeconfig(existing, file);
  const own = new Set(sites.map((site) => entryName(federation, site)));
  const isOwn: Readonly<Record<Kind, (entry: Entry) => boolean>> = {
    cluster: ({ name }) => own.has(name),
    user: ({ name }) => own.has(name),
    context: ({ context }) => own.has(String(context?.cluster)) && own.has(String(context?.user)),
  };
  const removed = new Set<string>();
  for (const kind of ["context", "cluster", "user"] as const) {
    const list = document.get(LISTS[kind]);
    if (!isSeq(list)) continue;
    list.items = list.items.filter((item) => {
      const entry = isMap(item) ? (item.toJS(document) as Entry) : undefined;
      const goes = entry !== undefined && isOwn[kind](entry);
      if (goes) removed.add(`${kind} ${entry.name}`);
      return !goes;
    });
  }
  if (removed.size === 0) return existing;
  if (removed.has(`context ${String(document.get("current-context"))}`)) document.set("current-context", "");
  return print(document, existing);
}

/** The file kubectl would write to: the first of KUBECONFIG, else ~/.kube/config. */
export function kubeconfigPath(env: NodeJS.ProcessEnv): string {
  const first = (env["KUBECONFIG"] ?? "").split(delimiter).find((path) => path !== "");
  return first === undefined ? join(homedir(), ".kube/config") : resolve(first);
}

/**
 * Gives the file's text to `change` and writes what it returns: in one step,
 * mode 0600, through a symbolic link to what it points at. An error in `change`
 * leaves the file as it was. Whether something was written.
 */
export async function updateKubeconfig(
  path: string,
  change: (existing: string | undefined) => string | undefined,
): Promise<boolean> {
  const target = await followLinks(path);
  const existing = await readIfThere(target);
  const wanted = change(existing);
  if (wanted === undefined || wanted === existing) return false;
  await replaceFile(target, wanted);
  return true;
}

interface Entry {
  readonly name: string;
  readonly context?: { readonly cluster?: unknown; readonly user?: unknown };
}

function entryName(federation: string, site: string): string {
  return `panopticon-${federation}-${site}`;
}

function contentOf({ federation, site, server, authority, client }: SiteAccess): KubeconfigContent {
  const name = entryName(federation, site);
  return { server, authority, client, cluster: name, user: name, context: site };
}

function readKubeconfig(text: string, file: string): Document {
  const lines = new LineCounter();
  const document: Document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error) throw unreadable(file, error.message, lines.linePos(error.pos[0]));
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    document.contents = document.createNode({ apiVersion: "v1", kind: "Config" });
  }
  if (!isMap(document.contents)) throw unreadable(file, "it is not a mapping", { line: 1, col: 1 });
  const kind: unknown = document.get("kind") ?? "Config";
  if (kind !== "Config") throw unreadable(file, `its kind is ${JSON.stringify(kind)}`, { line: 1, col: 1 });
  for (const list of Object.values(LISTS)) {
    // kubectl writes `clusters: null` where there are none.
    if (!document.get(list)) document.set(list, new YAMLSeq());
    const entries = document.get(list);
    if (!isSeq(entries)) throw unreadable(file, `${list} is not a list`, { line: 1, col: 1 });
    if (entries.items.length === 0) entries.flow = false;
  }
  return document;
}

function findEntry(document: Document, kind: Kind, name: string): YAMLMap | undefined {
  const list = document.get(LISTS[kind]) as YAMLSeq;
  return list.items.filter((item) => isMap(item)).find((item) => item.get("name") === name);
}

/** Whether the entry was not so before. */
function setEntry(document: Document, kind: Kind, name: string, value: object): boolean {
  const entry = findEntry(document, kind, name);
  if (entry === undefined) {
    (document.get(LISTS[kind]) as YAMLSeq).add(document.createNode({ name, [kind]: value }));
    return true;
  }
  if (stableJson((entry.toJS(document) as Record<string, unknown>)[kind]) === stableJson(value)) return false;
  entry.set(kind, document.createNode(value));
  return true;
}

function refuseForeign(document: Document, { federation, site }: SiteAccess, file: string): void {
  const entry = findEntry(document, "context", site)?.toJS(document) as Entry | undefined;
  const own = entryName(federation, site);
  if (entry === undefined || (entry.context?.cluster === own && entry.context.user === own)) return;
  throw wrongUse(
    "KUBECONFIG_CONTEXT_TAKEN",
    `${file} has a context ${site} already, and it is not the site ${site} of ${federation}.`,
    `Give yours another name: \`kubectl config rename-context ${site} NEW-NAME\`, or set KUBECONFIG to another file.`,
  );
}

/** In the way of the text that was there: kubectl does not indent lists, people often do. */
function print(document: Document, before: string): string {
  const indentSeq = /^(clusters|users|contexts):[ \t]*\r?\n[ \t]+-/m.test(before);
  return document.toString({ lineWidth: 0, indentSeq, flowCollectionPadding: false });
}

function unreadable(file: string, why: string, at: { line: number; col: number }): PanopticonError {
  const problem = {
    code: "KUBECONFIG_UNREADABLE",
    message: `This is no kubeconfig, and it is left as it is: ${why}.`,
    hint: "Mend the file, or set KUBECONFIG to another one.",
    at: { file, line: at.line, column: at.col },
  };
  return new PanopticonError([problem], 2);
}

async function followLinks(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return path;
    throw worldFailed("KUBECONFIG_STORE", `Could not find where ${path} leads.`, undefined, cause);
  }
}
