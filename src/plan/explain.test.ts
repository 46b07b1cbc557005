import { describe, expect, it } from "vitest";
import { explainMachine } from "./explain.ts";
import { makePlan } from "./make.ts";
import { planTable } from "./picture.ts";
import { fileOf, server, site } from "./test/federations.ts";

const device = { name: "disks", pci: "0000:03:00.0", for: "worker" as const };
const servers = [server("a", { passthrough: [device] }), server("b"), server("w", { role: "witness" })];
const plan = await makePlan(
  fileOf([site("attic", 11, servers), { ...site("sky", 12, []), kind: "aws", region: "eu-central-1" }]),
);

describe("explaining a machine", () => {
  it("says why it is there and that large, and what stands beside it", () => {
    const { machine, server: on, beside } = explainMachine(plan, "attic-worker-1");
    expect(on).toMatchObject({ name: "a", freeCpus: 0, freeMemoryMiB: 0 });
    expect(beside).toEqual(["attic-ecam-1", "attic-cp-1"]);
    expect(machine.reasons).toEqual([
      "It is the worker of a, as the file asks of site attic.",
      "It gets 13 vCPUs and 57.5 GiB: all that dom0 (2 GiB) and 1 ECAM and 1 control plane leave of 16 vCPUs and 64 GiB.",
      "Its data disks are what the root disks leave: 924 GiB of ssd.",
      "Device disks (0000:03:00.0) of a is passed to it.",
    ]);
  });

  it("says what the spread is good for, and what a witness carries", () => {
    expect(explainMachine(plan, "attic-cp-3").machine.reasons).toEqual([
      "The 3 control planes are spread as evenly as there is room: 1 on a, 1 on b, 1 on w; so etcd keeps its quorum when any one server dies.",
      "w is a witness: it carries this one vote and nothing else.",
      "It gets 2 vCPUs and 4 GiB, the size of the role at site attic.",
    ]);
  });

  it("says what two servers cannot do, and why one carries more", async () => {
    const two = await makePlan(fileOf([site("attic", 11, [server("a"), server("b")])]));
    expect(explainMachine(two, "attic-cp-3").machine.reasons.slice(0, 2)).toEqual([
      "The 3 control planes are spread as evenly as there is room: 2 on a, 1 on b; so etcd loses its quorum when a server with 2 of them dies.",
      "a carries 2 of them: it stands before b in the file.",
    ]);
    const three = fileOf([site("attic", 11, [server("a"), server("b"), server("c")])]);
    expect(explainMachine(await makePlan(three, two), "attic-cp-1").machine.reasons).toContain(
      "a carries 2 of them: they were planned there before, and are not moved only to spread them better over c.",
    );
  });

  it("names the nearest machine for one that is unknown", () => {
    expect(() => explainMachine(plan, "attic-pc-1")).toThrow(
      /PLAN_UNKNOWN_MACHINE .* attic-pc-1\n.*did you mean attic-cp-1\?/,
    );
    expect(() => explainMachine(plan, "x")).toThrow(/it has attic-ecam-1, attic-ecam-2, attic-cp-1/);
  });
});

it("runs machines as their server does: PVH, and HVM where they are given a device", async () => {
  const hardware = servers.map((each) => ({ ...each, virtualization: "hardware" as const }));
  const { sites } = await makePlan(fileOf([site("attic", 11, [hardware[0] ?? server("a"), server("b")])]));
  const typed = sites.flatMap(({ machines }) => machines.map(({ name, virtualization: as }) => [name, as]));
  expect(Object.fromEntries(typed)).toMatchObject({
    "attic-ecam-1": "pvh",
    "attic-worker-1": "hvm",
    "attic-ecam-2": undefined,
    "attic-worker-2": undefined,
  });
});

it("shows machines server by server, and a rented site by a line of its own", () => {
  const rows = planTable(plan);
  expect(rows.map(({ server: on, machine }) => `${on} ${machine}`)).toEqual([
    "a attic-ecam-1",
    "a attic-cp-1",
    "a attic-worker-1",
    "b attic-ecam-2",
    "b attic-cp-2",
    "b attic-worker-2",
    "w attic-cp-3",
    "aws ",
  ]);
  expect(rows[2]).toEqual({
    site: "attic",
    server: "a",
    machine: "attic-worker-1",
    role: "worker",
    cpus: "13",
    memory: "57.5 GiB",
    disks: "root 40 GiB (ssd), data 924 GiB (ssd)",
    address: "10.11.0.31",
  });
});
