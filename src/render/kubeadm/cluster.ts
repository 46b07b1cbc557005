/** ClusterConfiguration: what all control planes of a site share. */
import { machinesOf } from "#plan/plan.ts";
import type { SitePlan } from "#plan/plan.ts";
import { network } from "../refuse.ts";
import type { Target } from "../target.ts";

/** A flag of a component, without its dashes. */
interface Argument {
  readonly name: string;
  readonly value: string;
}

export function clusterConfiguration({ plan, site }: Target): object {
  return {
    clusterName: site.name,
    kubernetesVersion: plan.kubernetes,
    controlPlaneEndpoint: `${site.endpoint.name}:${site.endpoint.port}`,
    encryptionAlgorithm: "ECDSA-P256",
    networking: {
      podSubnet: network(site.network.pods, site.name),
      serviceSubnet: network(site.network.services, site.name),
      dnsDomain: "cluster.local",
    },
    apiServer: { certSANs: certificateNames(site), extraArgs: apiServerArguments(site) },
    controllerManager: { extraArgs: CONTROLLER_MANAGER },
    scheduler: { extraArgs: SCHEDULER },
    etcd: { local: { dataDir: "/var/lib/etcd", extraArgs: ETCD } },
  };
}

/** Every name and address the API is ever asked by: the VIP's, each ECAM's and each control plane's own, and the router's from other sites. */
function certificateNames(site: SitePlan): string[] {
  const machines = [...machinesOf(site, "controlplane"), ...machinesOf(site, "ecam")];
  return [
    site.endpoint.name,
    site.network.vip,
    ...site.network.external,
    "localhost",
    "127.0.0.1",
    ...machines.flatMap((machine) => [machine.name, machine.address]),
  ];
}

function apiServerArguments(site: SitePlan): Argument[] {
  return [
    ...goaway(site),
    { name: "profiling", value: "false" },
    // Logs, exec and port-forward go to a kubelet that shows the cluster's certificate, and to no other.
    { name: "kubelet-certificate-authority", value: "/etc/kubernetes/pki/ca.crt" },
    { name: "service-account-extend-token-expiration", value: "false" },
    // Pods of a node that is gone start elsewhere 2 s after it counts as gone; the default is 300 s.
    { name: "default-not-ready-toleration-seconds", value: "2" },
    { name: "default-unreachable-toleration-seconds", value: "2" },
  ];
}

/** Spreads long connections over the API servers again after one was away; with a single one it is no use. */
function goaway(site: SitePlan): Argument[] {
  const several = machinesOf(site, "controlplane").length > 1;
  return several ? [{ name: "goaway-chance", value: "0.001" }] : [];
}

const CONTROLLER_MANAGER: readonly Argument[] = [
  // The plan gives each node its pod network.
  { name: "allocate-node-cidrs", value: "false" },
  { name: "profiling", value: "false" },
  // A node that renews its lease every 2 s counts as gone after 8 s without; the defaults take 50.
  { name: "node-monitor-period", value: "1s" },
  { name: "node-monitor-grace-period", value: "8s" },
];

const SCHEDULER: readonly Argument[] = [{ name: "profiling", value: "false" }];

/** An election of 1 s is etcd's default: below it a slow disk deposes leaders. Five heartbeats in it are what etcd asks for at least. */
const ETCD: readonly Argument[] = [
  { name: "heartbeat-interval", value: "200" },
  { name: "election-timeout", value: "1000" },
  { name: "quota-backend-bytes", value: String(4 * 2 ** 30) },
  { name: "auto-compaction-mode", value: "periodic" },
  { name: "auto-compaction-retention", value: "1h" },
  // Plain HTTP without a login: on loopback only.
  { name: "listen-metrics-urls", value: "http://127.0.0.1:2381" },
];
