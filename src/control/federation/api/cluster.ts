/** KubeFedCluster: a member, by kubefed's name for it. Its labels are what `clusterSelector` sees. */
import type { KubeObject } from "#ports/kube.ts";
import { type Definition, definition } from "./definition.ts";
import { CORE_GROUP } from "./names.ts";
import { keyed, list, name, object, oneOf, ruled, text, time } from "./schema.ts";

export interface ClusterCondition {
  readonly type: "Ready" | "Offline" | "ConfigMalformed";
  readonly status: "True" | "False" | "Unknown";
  readonly reason?: string;
  readonly message?: string;
  readonly lastProbeTime: string;
  readonly lastTransitionTime?: string;
}

export interface KubeFedCluster extends KubeObject {
  readonly spec: {
    /** Host, host:port or URL of the member's API server. */
    readonly apiEndpoint: string;
    /** PEM in base64. */
    readonly caBundle?: string;
    /** Secret with key `token`; only clusters that kubefedctl joined have one, agents bring their own. */
    readonly secretRef?: { readonly name: string };
    readonly disabledTLSValidations?: readonly ("*" | "SubjectName" | "ValidityPeriod")[];
    readonly proxyURL?: string;
  };
  readonly status?: {
    readonly conditions: readonly ClusterCondition[];
    readonly kubernetesVersion?: string;
    readonly zones?: readonly string[];
    readonly region?: string;
  };
}

const condition = object(
  {
    type: oneOf("Ready", "Offline", "ConfigMalformed"),
    status: oneOf("True", "False", "Unknown"),
    reason: text,
    message: text,
    lastProbeTime: time,
    lastTransitionTime: time,
  },
  ["type", "status", "lastProbeTime"],
);

const endpoint = ruled(
  { type: "string", pattern: "^\\S+$", maxLength: 2048 },
  {
    rule: "!self.contains('://') || self.startsWith('https://') || self.startsWith('http://')",
    message: "apiEndpoint must be host, host:port or an http(s) URL",
  },
);

const proxy = ruled(
  { type: "string", maxLength: 2048 },
  {
    rule: "self == '' || self.startsWith('http://') || self.startsWith('https://') || self.startsWith('socks5://')",
    message: "proxyURL must begin with http://, https:// or socks5://",
  },
);

const validations = ruled(list(oneOf("*", "SubjectName", "ValidityPeriod"), 3), {
  rule: "!('*' in self) || size(self) == 1",
  message: "* disables every validation and must stand alone",
});

export function clusterDefinition(): Definition {
  return definition({
    group: CORE_GROUP,
    version: "v1beta1",
    kind: "KubeFedCluster",
    plural: "kubefedclusters",
    scope: "Namespaced",
    shortNames: ["kfc"],
    description: "A cluster of the federation; its labels are what placement selects by.",
    columns: [
      { name: "age", type: "date", jsonPath: ".metadata.creationTimestamp" },
      { name: "ready", type: "string", jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
      { name: "kubernetes-version", type: "string", jsonPath: ".status.kubernetesVersion" },
    ],
    spec: object(
      {
        apiEndpoint: endpoint,
        caBundle: { type: "string", format: "byte" },
        secretRef: object({ name }, ["name"]),
        disabledTLSValidations: validations,
        proxyURL: proxy,
      },
      ["apiEndpoint"],
    ),
    status: object(
      { conditions: keyed("type", condition), kubernetesVersion: text, region: text, zones: list(text) },
      ["conditions"],
    ),
  });
}
