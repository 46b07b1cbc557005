/**
 * Whether a request for a certificate is what a kubelet of the plan may have: for
 * itself, to serve with, under its own name and its planned address. Pure.
 */
import type { CertificateSigningRequest } from "kubernetes-types/certificates/v1.d.ts";
import { KUBELET_SERVING } from "#render/ecam/watchdog.ts";

export interface PlannedNode {
  readonly name: string;
  readonly address: string;
}

/** What stands in a PKCS #10 request. */
export interface RequestContent {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly addresses: readonly string[];
  /** Names of any other kind: e-mail addresses, URIs. */
  readonly otherNames: number;
}

/** `pass`: it is none of ours to judge, or has been judged. */
export type Judgement =
  | { readonly verdict: "approve"; readonly node: string }
  | { readonly verdict: "refuse"; readonly why: string }
  | { readonly verdict: "pass" };

const NODES_GROUP = "system:nodes";
const NODE_USER = "system:node:";
/** What the signer allows (Kubernetes, "Kubernetes signers"). */
const USAGES = ["key encipherment", "digital signature", "server auth"];

/** @param read gives what the request holds; undefined where it can't be read */
export function judge(
  { spec, status }: CertificateSigningRequest,
  nodes: readonly PlannedNode[],
  read: (request: string) => RequestContent | undefined,
): Judgement {
  if (spec.signerName !== KUBELET_SERVING) return { verdict: "pass" };
  const decided = status?.conditions?.some(({ type }) => type === "Approved" || type === "Denied");
  if (decided || status?.certificate) return { verdict: "pass" };
  const user = spec.username ?? "";
  const node = nodes.find(({ name }) => user === `${NODE_USER}${name}`);
  if (!node || !spec.groups?.includes(NODES_GROUP))
    return { verdict: "refuse", why: `${user || "nobody"} is no node of the plan` };
  const usages = spec.usages ?? [];
  if (!usages.includes("server auth") || usages.some((usage) => !USAGES.includes(usage)))
    return { verdict: "refuse", why: `it is to be used for ${usages.join(", ") || "nothing"}` };
  const content = read(spec.request);
  if (!content) return { verdict: "refuse", why: "what it holds can't be read" };
  const why = difference(content, user, node);
  return why === undefined ? { verdict: "approve", node: node.name } : { verdict: "refuse", why };
}

/** What is not the node's own; undefined where all is. */
function difference(content: RequestContent, user: string, node: PlannedNode): string | undefined {
  const { commonName, organizations, dnsNames, addresses, otherNames } = content;
  if (commonName !== user || organizations.length !== 1 || organizations[0] !== NODES_GROUP)
    return `it is made out to ${commonName} of ${organizations.join(", ") || "nothing"}`;
  if (otherNames > 0) return "it asks for names that a kubelet does not have";
  const strange = [
    ...dnsNames.filter((name) => name !== node.name),
    ...addresses.filter((address) => address !== node.address),
  ];
  if (strange.length > 0) return `it asks for ${strange.join(", ")}, which ${node.name} is not`;
  return dnsNames.length + addresses.length === 0 ? "it asks for no name" : undefined;
}
