/** What a site keeps to itself, in a Secret of its own API: its key pair, and how it first reached its hub. */
import { z } from "zod";
import { type Kube, KubeError, type KubeObject } from "#ports/kube.ts";
import { SYSTEM_NAMESPACE } from "../api/names.ts";
import { SECRETS } from "../agent/resources.ts";
import { type KeyPair, newKeys } from "./seal.ts";

const NAME = "panopticon-agent-keys";
const REF = { resource: SECRETS, namespace: SYSTEM_NAMESPACE, name: NAME };

const FIRST = z.object({
  /** The site that was the hub then. */
  site: z.string(),
  endpoints: z.array(z.string()).min(1),
  authority: z.string().optional(),
  /** A token at that hub; newer ones are mirrored. */
  token: z.string(),
});

/** The hub that a site joined at. */
export type FirstHub = z.infer<typeof FIRST>;

/** The site's key pair; made where there is none yet. */
export async function ensureKeys(own: Kube): Promise<KeyPair> {
  const known = await own.find(REF);
  const keys = known && keysIn(known.data ?? {});
  if (keys) return keys;
  const made = newKeys();
  const data = { publicKey: encoded(made.publicKey), privateKey: encoded(made.privateKey) };
  try {
    const head = { apiVersion: "v1", kind: "Secret", type: "Opaque" };
    const metadata = { name: NAME, namespace: SYSTEM_NAMESPACE };
    await own.create({ resource: SECRETS, namespace: SYSTEM_NAMESPACE }, {
      ...head,
      metadata,
      data,
    } as KubeObject);
    return made;
  } catch (error) {
    // The site's other agent was faster: then there is one pair, and it is that one's.
    if (!(error instanceof KubeError) || error.code !== "KUBE_ALREADY_EXISTS") throw error;
    return ensureKeys(own);
  }
}

/** Undefined where the site has not joined with a token. */
export async function readFirstHub(own: Kube): Promise<FirstHub | undefined> {
  const text = (await own.find(REF))?.data?.["firstHub"];
  return text === undefined ? undefined : FIRST.parse(JSON.parse(decoded(text)));
}

export async function keepFirstHub(own: Kube, hub: FirstHub): Promise<void> {
  await own.patch(REF, { data: { firstHub: encoded(JSON.stringify(hub)) } });
}

function keysIn(data: Readonly<Record<string, string>>): KeyPair | undefined {
  const { publicKey, privateKey } = data;
  if (publicKey === undefined || privateKey === undefined) return undefined;
  return { publicKey: decoded(publicKey), privateKey: decoded(privateKey) };
}

function encoded(text: string): string {
  return Buffer.from(text).toString("base64");
}

function decoded(text: string): string {
  return Buffer.from(text, "base64").toString();
}
