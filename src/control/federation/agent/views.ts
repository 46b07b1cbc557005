/** The hub's writes for an external cloud site: its views, and its entry in statuses. */
import { type Kube, KubeError, type KubeObject } from "#ports/kube.ts";
import type { FederatedResource } from "../api/federated.ts";
import { type MirrorSpec, mirrorName, type ObjectKey } from "../api/mirror.ts";
import { FEDERATION_GROUP } from "../api/names.ts";
import { type View, type ViewSpec, viewNamespace } from "../api/view.ts";
import { buried } from "../deletion/tombstones.ts";
import { viewRoles } from "../join/roles.ts";
import { hashOf } from "./body.ts";
import { entryIn, entryOf, isSameEntry, writeEntry } from "./entry.ts";
import { applyRole } from "./install.ts";
import { notBefore, specOf } from "./mirrors.ts";
import { type MirroredKind, NAMESPACES, VIEWS } from "./resources.ts";
import type { Term } from "./term.ts";

/** What there is of one object for one site. */
export interface Shown {
  readonly site: string;
  readonly key: ObjectKey;
  readonly object: KubeObject | undefined;
  /** The hub's record of its deletion. */
  readonly grave: MirrorSpec | undefined;
  readonly view: View | undefined;
}

/** The namespace of a site's views, and the site's rights in it. */
export async function ensureViewSpace(hub: Kube, site: string, signal: AbortSignal): Promise<void> {
  const name = viewNamespace(site);
  if (!(await hub.find({ resource: NAMESPACES, name }, { signal }))) {
    const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name } };
    await hub.create({ resource: NAMESPACES }, namespace, { signal });
  }
  for (const role of viewRoles(site)) await applyRole(hub, role);
}

/** Shows the site this of the object; nothing is written where it is shown already. */
export async function show(
  hub: Kube,
  { site, key, view }: Shown,
  wanted: KubeObject,
  epoch: number,
  signal: AbortSignal,
): Promise<void> {
  const spec = specOf(key, wanted, epoch);
  if (view?.spec.body && view.spec.hash === spec.hash) return;
  await put(hub, site, view, view ? { ...spec, ...notBefore(view.spec, spec) } : spec, signal);
}

/** Makes a tombstone of what was shown, or asked about, and is deleted or placed there no more; ends one that is carried out. */
export async function hide(
  hub: Kube,
  { site, object, grave, view }: Shown,
  { crown: { epoch }, clock }: Term,
  signal: AbortSignal,
): Promise<void> {
  if (!view) return;
  const { uid = "", resourceVersion = "0" } = view.metadata ?? {};
  if (view.spec.tombstone) {
    if (!view.status?.gone || view.status.hash !== view.spec.hash) return;
    const ref = { resource: VIEWS, namespace: viewNamespace(site), name: view.metadata?.name ?? "" };
    await hub.delete(ref, { preconditions: { uid, resourceVersion }, signal });
    return;
  }
  // An object that is missing without a record of its deletion is missing by mistake: it stays where it is.
  const at = object?.metadata?.resourceVersion ?? grave?.resourceVersion;
  if (at === undefined) return;
  const { asked: _asked, ...shown } = view.spec;
  const spec: MirrorSpec = { ...shown, body: shown.body ?? object ?? {} };
  const dead = buried(spec, notBefore(spec, { epoch, resourceVersion: at }), clock.wall().toISOString());
  const tombstone = grave?.tombstone ?? dead.tombstone;
  await put(hub, site, view, { ...dead, ...(tombstone && { tombstone }) }, signal);
}

/** What the site says of what it is shown becomes its entry in the resource's status. */
export async function carryStatus(
  hub: Kube,
  kind: MirroredKind,
  { site, object, view }: Shown,
  wanted: KubeObject | undefined,
  signal: AbortSignal,
): Promise<void> {
  const resource: FederatedResource | undefined = object;
  if (!resource) return;
  const said = view?.status;
  // What it says of something else says nothing of this.
  if (wanted && (!said || said.hash !== hashOf(wanted))) return;
  const status = wanted ? said?.status : said?.status || "WaitingForRemoval";
  const entry = said && !said.gone ? entryOf(site, { ...said, status }, resource) : undefined;
  if (!isSameEntry(entryIn(resource, site), entry))
    await writeEntry(hub, kind, resource, site, entry, signal);
}

async function put(
  hub: Kube,
  site: string,
  view: View | undefined,
  spec: ViewSpec,
  signal: AbortSignal,
): Promise<void> {
  const namespace = viewNamespace(site);
  const name = mirrorName(spec);
  const { uid, resourceVersion } = view?.metadata ?? {};
  const metadata = { namespace, name, ...(view && { uid, resourceVersion }) };
  const next: View = { apiVersion: `${FEDERATION_GROUP}/v1`, kind: "View", metadata, spec };
  try {
    if (view) await hub.replace({ resource: VIEWS, namespace, name }, next, { signal });
    else await hub.create({ resource: VIEWS, namespace }, next, { signal });
  } catch (error) {
    // The watch is behind, and what it tells next brings this up again.
    const late = error instanceof KubeError && ["KUBE_CONFLICT", "KUBE_ALREADY_EXISTS"].includes(error.code);
    if (!late) throw error;
  }
}
