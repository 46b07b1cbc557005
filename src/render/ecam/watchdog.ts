/** What the watchdog over workers is told on each ECAM, and how it is known to the API. */
import { type MachinePlan, machinesOf } from "#plan/plan.ts";
import type { Target } from "../target.ts";
import { CLUSTER_CA } from "./haproxy.ts";

export const WATCHDOG_FOLDER = "/etc/panopticon/watchdog";
/** Below /run, of the service's own. */
export const WATCHDOG_RUNTIME = "panopticon-watchdog";
/** Where it tells steering which host names the site has. */
export const HOSTS_FILE = `/run/${WATCHDOG_RUNTIME}/hosts.json`;
/** In `/etc/panopticon/watchdog`; brought by `converge`. */
export const WATCHDOG_SECRETS = { certificate: "client.crt", key: "client.key" } as const;

/** The user and the group that its client certificate names. */
export const WATCHDOG_USER = "panopticon-watchdog";
export const WATCHDOG_GROUP = "panopticon:watchdogs";

/** Who signs what kubelets serve with (Kubernetes, "Kubernetes signers"). */
export const KUBELET_SERVING = "kubernetes.io/kubelet-serving";

/** Load balancers leave a node with this label out, whatever its value (Kubernetes, "Well-Known Labels"). */
export const EXCLUDE_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers";
/** Beside it where it was the watchdog that set it: the ECAM that did. */
export const EXCLUDED_BY_ANNOTATION = "panopticon.dev/excluded-by";

/**
 * kube-proxy's health, of the machine itself: what load balancers ask a node
 * (KEP-3836). A node without kube-proxy leads no connection to a pod, and unlike
 * kubelet it does not log every connect.
 */
const KUBE_PROXY_HEALTH = 10_256;

export interface WatchdogConfig {
  /** The machine it runs on. */
  readonly self: string;
  /** While this address is this machine's, it acts. */
  readonly activeAddress: string;
  readonly api: {
    /** Such as `https://10.11.0.11:6443`. */
    readonly server: string;
    /** Files, from the folder of this one. */
    readonly authority: string;
    readonly certificate: string;
    readonly key: string;
  };
  /** TCP port that every worker listens on while it can lead connections to pods. */
  readonly port: number;
  readonly workers: readonly { readonly name: string; readonly address: string }[];
  /** Whose kubelets may have a certificate, and for which address. */
  readonly nodes: readonly { readonly name: string; readonly address: string }[];
  /** A file: the host names that the site has; written when they change. */
  readonly hosts: string;
}

/** It asks the HAProxy beside it, so that it need not wait for the VIP to arrive here. */
export function siteWatchdog({ site, machine }: Target): WatchdogConfig {
  return {
    self: machine.name,
    activeAddress: site.network.vip,
    api: {
      server: `https://${machine.address}:${site.endpoint.port}`,
      authority: CLUSTER_CA,
      ...WATCHDOG_SECRETS,
    },
    port: KUBE_PROXY_HEALTH,
    workers: machinesOf(site, "worker").map(named),
    nodes: [...machinesOf(site, "controlplane"), ...machinesOf(site, "worker")].map(named),
    hosts: HOSTS_FILE,
  };
}

function named({ name, address }: MachinePlan): { readonly name: string; readonly address: string } {
  return { name, address };
}
