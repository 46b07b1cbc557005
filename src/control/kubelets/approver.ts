/**
 * Approves the certificates that kubelets serve with. Kubernetes signs them but
 * leaves it to others to say whose they may be, since a kubelet could ask for any
 * name. Every ECAM follows the requests; only the one that acts approves.
 */
import type { CertificateSigningRequest } from "kubernetes-types/certificates/v1.d.ts";
import { KubeError, type Kube, type Resource } from "#ports/kube.ts";
import { type Clock, pause } from "../runtime/clock.ts";
import { judge, type PlannedNode, type RequestContent } from "./decide.ts";

const REQUESTS: Resource<CertificateSigningRequest> = {
  group: "certificates.k8s.io",
  version: "v1",
  plural: "certificatesigningrequests",
};
const LOOK_MS = 1000;
const CONFLICT = 409;

export interface ApproverOptions {
  readonly nodes: readonly PlannedNode[];
  readonly read: (request: string) => RequestContent | undefined;
  /** Whether it is this ECAM that acts. */
  readonly acts: () => boolean;
  readonly kube: Kube;
  readonly clock: Clock;
  /** A line for people. */
  readonly note: (what: string) => void;
}

/** Until `signal` is aborted. A request that was not approved stays, so that a person can decide. */
export async function approveKubelets(options: ApproverOptions, signal: AbortSignal): Promise<void> {
  const { kube, clock, acts } = options;
  const waiting = new Map<string, CertificateSigningRequest>();
  const told = new Set<string>();
  const nameOf = ({ metadata }: CertificateSigningRequest): string => metadata?.name ?? "";
  const follow = kube.listAndWatch(
    { resource: REQUESTS },
    {
      replace: (items) => {
        waiting.clear();
        for (const item of items) waiting.set(nameOf(item), item);
      },
      change: (type, item) => {
        if (type !== "deleted") return void waiting.set(nameOf(item), item);
        waiting.delete(nameOf(item));
        told.delete(nameOf(item));
      },
    },
    { signal },
  );
  while (!signal.aborted) {
    if (acts()) for (const request of waiting.values()) await look(options, request, told, signal);
    await pause(clock, LOOK_MS, signal);
  }
  await follow;
}

async function look(
  { kube, nodes, read, note }: ApproverOptions,
  request: CertificateSigningRequest,
  told: Set<string>,
  signal: AbortSignal,
): Promise<void> {
  const name = request.metadata?.name ?? "";
  const judgement = judge(request, nodes, read);
  if (judgement.verdict === "pass") return;
  const say = (what: string): void => {
    if (!told.has(name)) note(what);
    told.add(name);
  };
  if (judgement.verdict === "refuse") return say(`does not approve the request ${name}: ${judgement.why}`);
  try {
    await kube.replace({ resource: REQUESTS, name, subresource: "approval" }, approved(request), { signal });
    note(`approves the certificate that ${judgement.node} serves with`);
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof KubeError)) throw error;
    // Who was changed meanwhile comes anew.
    if (error.status !== CONFLICT)
      say(`can't approve the request ${name} yet: ${error.message.split("\n", 1)[0]}`);
  }
}

function approved(request: CertificateSigningRequest): CertificateSigningRequest {
  const condition = {
    type: "Approved",
    status: "True",
    reason: "PlannedNode",
    message: "asked for by a node of the plan, for its own name and address",
  };
  return {
    ...request,
    apiVersion: "certificates.k8s.io/v1",
    kind: "CertificateSigningRequest",
    status: { ...request.status, conditions: [...(request.status?.conditions ?? []), condition] },
  };
}
