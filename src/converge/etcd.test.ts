import { expect, it } from "vitest";
import { parse } from "yaml";
import { joiningManifest, readMembers } from "./etcd.ts";

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

it("tells members that vote from those that learn and those that never started", () => {
  const text = `8e9e05c52164694d, started, attic-cp-1, https://10.1.0.21:2380, https://10.1.0.21:2379, false
3a57933972cb5131, started, attic-cp-2, https://10.1.0.22:2380,https://10.2.0.22:2380, https://10.1.0.22:2379, true
91bc3c398fb3c146, unstarted, , https://10.1.0.23:2380, , true
`;
  expect(readMembers(text)).toEqual([
    { id: "8e9e05c52164694d", name: "attic-cp-1", peerUrls: ["https://10.1.0.21:2380"], learner: false },
    {
      id: "3a57933972cb5131",
      name: "attic-cp-2",
      peerUrls: ["https://10.1.0.22:2380", "https://10.2.0.22:2380"],
      learner: true,
    },
    { id: "91bc3c398fb3c146", name: "", peerUrls: ["https://10.1.0.23:2380"], learner: true },
  ]);
});
