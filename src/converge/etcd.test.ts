import { expect, it } from "vitest";
import { parse } from "yaml";
import { joiningManifest } from "./etcd.ts";

const MANIFEST = `apiVersion: v1
kind: Pod
spec:
  containers:
  - command:
    - etcd
    - --initial-advertise-peer-urls=https://10.0.0.1:2380
    - --initial-cluster=a=https://10.0.0.1:2380
    - --name=a
`;

it("a member that is rebuilt joins the cluster that is there, and says so once however often it is told", () => {
  const once = joiningManifest(MANIFEST, "a=https://10.0.0.1:2380,b=https://10.0.0.2:2380");
  const twice = joiningManifest(once, "a=https://10.0.0.1:2380,b=https://10.0.0.2:2380");
  expect(twice).toBe(once);
  const pod = parse(once) as { spec: { containers: { command: string[] }[] } };
  expect(pod.spec.containers[0]?.command).toEqual([
    "etcd",
    "--initial-advertise-peer-urls=https://10.0.0.1:2380",
    "--name=a",
    "--initial-cluster=a=https://10.0.0.1:2380,b=https://10.0.0.2:2380",
    "--initial-cluster-state=existing",
  ]);
});
