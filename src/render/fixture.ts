/** A small plan for this room's tests: one site, two ECAMs, one control plane, two workers. */
import type { MachinePlan, Plan, SitePlan } from "#plan/plan.ts";

export function fixturePlan(change: Partial<SitePlan> = {}): { plan: Plan; site: SitePlan } {
  const site: SitePlan = { ...SITE, ...change };
  const plan: Plan = {
    version: 1,
    federation: "home",
    domain: "home.test",
    crown: "attic",
    kubernetes: "v1.36.3",
    sites: [site],
  };
  return { plan, site };
}

function machine(name: string, address: string, more: Partial<MachinePlan>): MachinePlan {
  return {
    name,
    address,
    role: "worker",
    server: "left",
    cpus: 1,
    memoryMiB: 1024,
    disks: [],
    mac: "00:16:3e:00:00:01",
    uuid: "c8397417-f82e-80d9-92ce-69a2e1493e19",
    passthrough: [],
    reasons: [],
    ...more,
  };
}

const SITE: SitePlan = {
  name: "attic",
  kind: "on-prem",
  number: 1,
  domain: "site1.home.test",
  network: {
    lan: "10.11.0.0/24",
    gateway: "10.11.0.1",
    external: ["203.0.113.10"],
    resolvers: ["10.11.0.1"],
    vip: "10.11.0.10",
    namesVip: "10.11.0.9",
    ingress: { first: "10.11.0.180", last: "10.11.0.199" },
    operator: "10.11.0.254",
    pods: "10.128.0.0/16",
    services: "10.96.0.0/20",
    clusterDns: "10.96.0.10",
  },
  endpoint: { name: "api.site1.home.test", port: 6443 },
  vrrp: { id: 1, namesId: 2 },
  servers: [],
  machines: [
    machine("attic-ecam-1", "10.11.0.11", { role: "ecam", priority: 254 }),
    machine("attic-ecam-2", "10.11.0.12", { role: "ecam", priority: 253, server: "right" }),
    machine("attic-cp-1", "10.11.0.21", { role: "controlplane", podNetwork: "10.128.1.0/24" }),
    machine("attic-worker-1", "10.11.0.41", { podNetwork: "10.128.2.0/24" }),
    machine("attic-worker-2", "10.11.0.42", { podNetwork: "10.128.3.0/24", server: "right" }),
  ],
};
