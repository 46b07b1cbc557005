/** What opens a client: from a kubeconfig, or from what a pod is given. */
import { readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { type PanopticonError, worldFailed, wrongUse } from "#base/errors.ts";
import type { KubeSettings } from "./transport.ts";

/** Where kubelet puts a pod's account (client-go's rest.InClusterConfig). */
const ACCOUNT_DIR = "/var/run/secrets/kubernetes.io/serviceaccount";

const text = z.string().min(1).optional();
const CLUSTER = z.object({
  server: z.url(),
  "certificate-authority": text,
  "certificate-authority-data": text,
  "insecure-skip-tls-verify": z.boolean().optional(),
  "tls-server-name": text,
  "proxy-url": text,
});
const USER = z.object({
  "client-certificate": text,
  "client-certificate-data": text,
  "client-key": text,
  "client-key-data": text,
  token: text,
  tokenFile: text,
  username: text,
  exec: z.unknown().optional(),
  "auth-provider": z.unknown().optional(),
});
const CONTEXT = z.object({ cluster: z.string(), user: z.string(), namespace: text });
const KUBECONFIG = z.object({
  kind: z.literal("Config").optional(),
  "current-context": z.string().optional(),
  clusters: z.array(z.object({ name: z.string(), cluster: z.unknown() })).nullish(),
  users: z.array(z.object({ name: z.string(), user: z.unknown() })).nullish(),
  contexts: z.array(z.object({ name: z.string(), context: z.unknown() })).nullish(),
});

export interface KubeAccess {
  readonly settings: KubeSettings;
  readonly context: string;
  /** Of the context; `default` where it names none. */
  readonly namespace: string;
}

/**
 * The access that a context gives, the current one where none is named. Files
 * that a kubeconfig names are relative to it. Errors: KUBECONFIG_STORE,
 * KUBECONFIG_UNREADABLE, KUBECONFIG_NO_CONTEXT, KUBECONFIG_UNSUPPORTED.
 */
export async function readKubeconfig(file: string, context?: string): Promise<KubeAccess> {
  const config = check(KUBECONFIG, parseYaml(await readText(file), file), file, "");
  const name = context ?? config["current-context"] ?? "";
  const chosen = pick(config.contexts, name, (entry) => entry.context);
  if (chosen === undefined) throw noContext(file, name, config.contexts?.map((entry) => entry.name) ?? []);
  const { cluster: clusterName, user: userName, namespace = "default" } = check(CONTEXT, chosen, file, name);
  const clusterEntry = pick(config.clusters, clusterName, (entry) => entry.cluster);
  const cluster = check(CLUSTER, clusterEntry, file, `cluster ${clusterName}`);
  // kubectl writes a user without credentials as `{}` or leaves it out.
  const userEntry = pick(config.users, userName, (entry) => entry.user) ?? {};
  const user = check(USER, userEntry, file, `user ${userName}`);
  refuseUnsupported(cluster, user, file);
  const at = (path: string): string => resolve(dirname(file), path);
  const load = async (data: string | undefined, path: string | undefined): Promise<string | undefined> => {
    if (data !== undefined) return Buffer.from(data, "base64").toString("utf8");
    return path === undefined ? undefined : readText(at(path));
  };
  const authority = await load(cluster["certificate-authority-data"], cluster["certificate-authority"]);
  const certificate = await load(user["client-certificate-data"], user["client-certificate"]);
  const key = await load(user["client-key-data"], user["client-key"]);
  const token = user.tokenFile === undefined ? user.token : { file: at(user.tokenFile) };
  return {
    context: name,
    namespace,
    settings: {
      server: cluster.server.replace(/\/+$/, ""),
      ...(authority !== undefined && { authority }),
      ...(certificate !== undefined && key !== undefined && { client: { certificate, key } }),
      ...(token !== undefined && { token }),
      ...(cluster["tls-server-name"] !== undefined && { servername: cluster["tls-server-name"] }),
      ...(cluster["insecure-skip-tls-verify"] && { insecure: true }),
    },
  };
}

/** The access of the pod that this process runs in; KUBECONFIG_NOT_IN_CLUSTER elsewhere. */
export async function inCluster(env: NodeJS.ProcessEnv, dir = ACCOUNT_DIR): Promise<KubeAccess> {
  const [host, port] = [env["KUBERNETES_SERVICE_HOST"], env["KUBERNETES_SERVICE_PORT"]];
  if (!host || !port) {
    const message = "This process runs in no pod: KUBERNETES_SERVICE_HOST is not set.";
    throw wrongUse("KUBECONFIG_NOT_IN_CLUSTER", message, "Name a kubeconfig.");
  }
  return {
    context: "in-cluster",
    namespace: (await readText(join(dir, "namespace"))).trim(),
    settings: {
      server: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
      authority: await readText(join(dir, "ca.crt")),
      token: { file: join(dir, "token") },
    },
  };
}

function pick<E extends { readonly name: string }>(
  list: readonly E[] | null | undefined,
  name: string,
  part: (entry: E) => unknown,
): unknown {
  const entry = list?.find((one) => one.name === name);
  return entry && part(entry);
}

function parseYaml(yaml: string, file: string): unknown {
  try {
    return parse(yaml, { logLevel: "error" });
  } catch (cause) {
    throw unreadable(file, cause instanceof Error ? (cause.message.split("\n")[0] ?? "") : String(cause));
  }
}

function check<S extends z.ZodType>(shape: S, value: unknown, file: string, where: string): z.infer<S> {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = [where, ...(issue?.path ?? [])].filter((part) => part !== "").join(".");
  throw unreadable(file, `${path || "the whole"}: ${issue?.message ?? "it is wrong"}`);
}

function refuseUnsupported(cluster: z.infer<typeof CLUSTER>, user: z.infer<typeof USER>, file: string): void {
  const unsupported = [
    cluster["proxy-url"] !== undefined && "proxy-url",
    user.exec !== undefined && "exec",
    user["auth-provider"] !== undefined && "auth-provider",
    user.username !== undefined && "username",
  ].find((name) => name !== false);
  if (!unsupported) return;
  throw wrongUse(
    "KUBECONFIG_UNSUPPORTED",
    `${file} uses ${unsupported}, which Panopticon does not do.`,
    "Use a client certificate or a token (`kubectl create token` gives one).",
  );
}

function noContext(file: string, name: string, known: readonly string[]): PanopticonError {
  const message = name === "" ? `${file} has no current context.` : `${file} has no context ${name}.`;
  const hint = known.length === 0 ? "It has no contexts at all." : `It has ${known.join(", ")}.`;
  return wrongUse("KUBECONFIG_NO_CONTEXT", message, hint);
}

function unreadable(file: string, why: string): PanopticonError {
  return wrongUse(
    "KUBECONFIG_UNREADABLE",
    `${file} is no kubeconfig: ${why}.`,
    "Mend the file, or name another one.",
  );
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw worldFailed("KUBECONFIG_STORE", `${file} can't be read.`, "See whether it is there.", cause);
  }
}
