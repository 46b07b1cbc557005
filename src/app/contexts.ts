/** Clients by the contexts of a kubeconfig. */
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { openKube } from "#drivers/kube/client.ts";
import { readKubeconfig } from "#drivers/kube/kubeconfig.ts";
import type { Kube } from "#ports/kube.ts";

/** The names of its contexts, in their order; `readKubeconfig` says what is wrong with a file that has none. */
export async function contextNames(file: string): Promise<readonly string[]> {
  await readKubeconfig(file);
  const { contexts } = parse(await readFile(file, "utf8")) as {
    readonly contexts: readonly { readonly name: string }[];
  };
  return contexts.map(({ name }) => name);
}

/** A client for a context, the current one where none is named, and that context's name and namespace. */
export async function openContext(
  file: string,
  context?: string,
): Promise<{
  readonly kube: Kube;
  readonly context: string;
  readonly namespace: string;
  readonly server: string;
  readonly authority?: string;
}> {
  const access = await readKubeconfig(file, context);
  const { server, authority } = access.settings;
  return {
    kube: openKube(access.settings),
    context: access.context,
    namespace: access.namespace,
    server,
    ...(authority !== undefined && { authority }),
  };
}
