import { describe, expect, it } from "vitest";
import { fixturePlan } from "../fixture.ts";
import { type ManifestObject, metallbObjects, metallbPools } from "./metallb.ts";

const NO_SCHEDULE = {
  key: "node-role.kubernetes.io/control-plane",
  operator: "Exists",
  effect: "NoSchedule",
};

function workload(kind: string, name: string): ManifestObject {
  const container = { name, image: `quay.io/metallb/${name}:v1` };
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: { name, namespace: "metallb-system" },
    spec: { template: { spec: { tolerations: [NO_SCHEDULE], containers: [container] } } },
  };
}

describe("MetalLB's manifest", () => {
  it("keeps its speakers off control planes and lets its controller leave a dead node soon", () => {
    const [speaker, controller] = metallbObjects([
      workload("DaemonSet", "speaker"),
      workload("Deployment", "controller"),
    ]);
    expect(speaker).toMatchObject({ spec: { template: { spec: { tolerations: [] } } } });
    expect(speaker).toMatchObject({ spec: { template: { spec: { containers: [{ name: "speaker" }] } } } });
    expect(JSON.stringify(controller)).toContain('"tolerationSeconds":10');
  });

  it("is otherwise as it was published", () => {
    const other = workload("DaemonSet", "another");
    expect(metallbObjects([other])).toEqual([other]);
  });

  it("keeps the first address of the ingress range for the ingress and gives the others away", () => {
    const { site } = fixturePlan();
    const network = { ...site.network, ingress: { first: "10.11.0.200", last: "10.11.0.219" } };
    expect(metallbPools({ ...site, network }, "traefik")).toMatchObject([
      {
        spec: {
          addresses: ["10.11.0.200/32"],
          autoAssign: false,
          serviceAllocation: { namespaces: ["traefik"] },
        },
      },
      { kind: "IPAddressPool", spec: { addresses: ["10.11.0.201-10.11.0.219"] } },
      { kind: "L2Advertisement", spec: { ipAddressPools: ["ingress", "site"] } },
    ]);
  });

  it("gives away nothing where the range is a single address", () => {
    const { site } = fixturePlan();
    const network = { ...site.network, ingress: { first: "10.11.0.13", last: "10.11.0.13" } };
    const [pool, announced, ...more] = metallbPools({ ...site, network }, "traefik");
    expect(pool).toMatchObject({ spec: { addresses: ["10.11.0.13/32"] } });
    expect(announced).toMatchObject({ spec: { ipAddressPools: ["ingress"] } });
    expect(more).toEqual([]);
  });
});
