/** Pods of a service as one site's own API has them: what keeps them from running, and what they say. */
import { at } from "#control/federation/json.ts";
import { apiPath, type Kube, KubeError, type KubeObject, type Resource } from "#ports/kube.ts";
import { NAME_LABEL } from "#render/service/manifest.ts";

const PODS: Resource = { group: "", version: "v1", plural: "pods" };
const PATIENCE = { timeoutSeconds: 5 };

interface Place {
  readonly name: string;
  readonly namespace: string;
}

async function podsOf(kube: Kube, { name, namespace }: Place): Promise<readonly KubeObject[]> {
  const labelSelector = `${NAME_LABEL}=${name}`;
  return (await kube.list({ resource: PODS, namespace }, { labelSelector, ...PATIENCE })).items;
}

/** In words, each once; none where the site does not answer soon. */
export async function podTroubles(kube: Kube, place: Place): Promise<readonly string[]> {
  const pods = await podsOf(kube, place).catch(() => []);
  const found = pods.flatMap((pod) => [...containerTroubles(pod), ...schedulingTroubles(pod)]);
  return [...new Set(found)];
}

function containerTroubles(pod: KubeObject): readonly string[] {
  const containers = at(pod, "status", "containerStatuses");
  if (!Array.isArray(containers)) return [];
  return containers.flatMap((one) => {
    const reason = at(one, "state", "waiting", "reason");
    if (typeof reason !== "string" || reason === "ContainerCreating" || reason === "PodInitializing")
      return [];
    const said = at(one, "state", "waiting", "message") ?? at(one, "lastState", "terminated", "reason");
    return [`${reason}${typeof said === "string" ? `: ${said}` : ""}`];
  });
}

function schedulingTroubles(pod: KubeObject): readonly string[] {
  const conditions = at(pod, "status", "conditions");
  if (!Array.isArray(conditions)) return [];
  return conditions
    .filter((one) => at(one, "type") === "PodScheduled" && at(one, "status") === "False")
    .map((one) => `${String(at(one, "reason"))}: ${String(at(one, "message"))}`);
}

export interface LogOptions {
  /** Lines from the end. */
  readonly tail: number;
  /** Of the run before the last restart. */
  readonly previous: boolean;
}

export interface PodLog {
  readonly site: string;
  readonly pod: string;
  readonly lines: readonly string[];
  /** Why there are none; empty where they could be had. */
  readonly problem: string;
}

/** What the pods at one site have said lately. A pod whose log can't be had says why. */
export async function logsAt(
  site: string,
  kube: Kube,
  place: Place,
  { tail, previous }: LogOptions,
): Promise<readonly PodLog[]> {
  try {
    const pods = await podsOf(kube, place);
    const query = new URLSearchParams({ tailLines: String(tail), ...(previous && { previous: "true" }) });
    return await Promise.all(
      pods.map(async ({ metadata }): Promise<PodLog> => {
        const pod = metadata?.name ?? "";
        const ref = { resource: PODS, namespace: place.namespace, name: pod, subresource: "log" };
        const { status, text } = await kube.raw(`${apiPath(ref)}?${query.toString()}`, {
          timeoutSeconds: 15,
        });
        if (status !== 200) return { site, pod, lines: [], problem: wordsOf(text) };
        return { site, pod, lines: text.split("\n").filter((line) => line !== ""), problem: "" };
      }),
    );
  } catch (error) {
    if (!(error instanceof KubeError)) throw error;
    return [{ site, pod: "", lines: [], problem: error.problems[0]?.message ?? error.message }];
  }
}

/** The message of an API's refusal. */
function wordsOf(text: string): string {
  try {
    const message = at(JSON.parse(text), "message");
    return typeof message === "string" ? message : text;
  } catch {
    return text;
  }
}
