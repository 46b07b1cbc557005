/** Kubeconfigs as text: what kubectl, kubelet and kubeadm read. They hold private keys: write them 0600. */
import { stringify } from "yaml";
import type { KeyedCertificate } from "./x509.ts";

export interface KubeconfigContent {
  /** Such as `https://10.11.0.5:6443`. */
  readonly server: string;
  /** PEM of the authority that signed the API server's certificate. */
  readonly authority: string;
  readonly client: KeyedCertificate;
  /** Names of the cluster, user and context entries. */
  readonly cluster: string;
  readonly user: string;
  readonly context: string;
}

/** The cluster and user entries of a kubeconfig (client-go's clientcmd/api/v1), secrets embedded. */
export function kubeconfigEntries(content: KubeconfigContent): {
  readonly cluster: object;
  readonly user: object;
  readonly context: object;
} {
  return {
    cluster: { "certificate-authority-data": base64(content.authority), server: content.server },
    user: {
      "client-certificate-data": base64(content.client.certificate),
      "client-key-data": base64(content.client.key),
    },
    context: { cluster: content.cluster, user: content.user },
  };
}

/** A whole kubeconfig; `current` names its current context. */
export function kubeconfig(contents: readonly KubeconfigContent[], current: string): string {
  const all = contents.map((content) => ({ content, entries: kubeconfigEntries(content) }));
  return stringify(
    {
      apiVersion: "v1",
      kind: "Config",
      clusters: all.map(({ content, entries }) => ({ name: content.cluster, cluster: entries.cluster })),
      users: all.map(({ content, entries }) => ({ name: content.user, user: entries.user })),
      contexts: all.map(({ content, entries }) => ({ name: content.context, context: entries.context })),
      "current-context": current,
    },
    { lineWidth: 0 },
  );
}

/** What `kubeadm join` reads as `discovery.file.kubeConfigPath`; `endpoint` is `host:port`. */
export function bootstrapKubeconfig(endpoint: string, authority: string, client: KeyedCertificate): string {
  const names = { cluster: "site", user: "bootstrap", context: "bootstrap" };
  return kubeconfig([{ server: `https://${endpoint}`, authority, client, ...names }], names.context);
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
