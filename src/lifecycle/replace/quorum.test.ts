import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EtcdMember } from "#converge/etcd.ts";
import { makePlan } from "#plan/make.ts";
import { type MachinePlan, machinesOf } from "#plan/plan.ts";
import { fileOf, server, site } from "#plan/test/federations.ts";
import { demandQuorum, nobodys, standingOf, type Votes, votesOf, votesSay } from "./quorum.ts";

const plan = await makePlan(
  fileOf([
    site(
      "attic",
      1,
      ["a", "b", "c"].map((name) => server(name)),
    ),
  ]),
);
const planned = machinesOf(plan.sites[0] as (typeof plan.sites)[number], "controlplane");

function memberOf(machine: MachinePlan, changes: Partial<EtcdMember> = {}): EtcdMember {
  const peerUrls = [`https://${machine.address}:2380`];
  return { id: machine.name, name: machine.name, peerUrls, learner: false, ...changes };
}

const members = planned.map((machine) => memberOf(machine));
const [one, two, three] = planned.map(({ name }) => name);

function refused(votes: Votes): boolean {
  try {
    demandQuorum("attic", votes);
    return false;
  } catch {
    return true;
  }
}

describe("votes", () => {
  it("are counted of members that vote and answer", () => {
    expect(votesOf(members, planned, new Set([one ?? "", two ?? ""]))).toEqual({
      voters: 3,
      well: 2,
      needed: 2,
    });
    const learning = members.with(2, { ...(members[2] as EtcdMember), learner: true });
    expect(votesOf(learning, planned, new Set([one ?? "", three ?? ""]))).toEqual({
      voters: 2,
      well: 1,
      needed: 2,
    });
  });

  it("of a member that never started count, though nobody gives them", () => {
    const unstarted = { id: "9", name: "", peerUrls: ["https://10.1.0.99:2380"], learner: false };
    expect(votesOf([...members, unstarted], planned, new Set([one ?? "", two ?? ""]))).toEqual({
      voters: 4,
      well: 2,
      needed: 3,
    });
    expect(nobodys([...members, unstarted], planned)).toEqual([unstarted]);
  });

  it("are a quorum exactly where more than half are well", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 9 }), fc.nat(9), (voters, well) => {
        const votes = { voters, well: Math.min(well, voters), needed: Math.floor(voters / 2) + 1 };
        expect(refused(votes)).toBe(votes.well * 2 <= voters);
      }),
    );
    expect(refused({ voters: 0, well: 0, needed: 1 })).toBe(true);
    expect(() => demandQuorum("attic", { voters: 3, well: 1, needed: 2 })).toThrow(
      "SERVER_REPLACE_NO_QUORUM",
    );
  });

  it("are told in words", () => {
    expect(votesSay({ voters: 3, well: 3, needed: 2 })).toBe(
      "3 voting members, 3 of them well; 1 more may fail",
    );
    expect(votesSay({ voters: 2, well: 2, needed: 2 })).toContain("none more may fail");
  });
});

describe("a machine stands", () => {
  const member = members[0] as EtcdMember;
  it.each([
    ["joined", member, true],
    ["needs-join", undefined, false],
    ["orphan", member, false],
    ["orphan", undefined, true],
    ["orphan", { ...member, learner: true }, true],
    ["orphan", { ...member, name: "" }, true],
  ] as const)("as %s", (standing, found, data) => {
    expect(standingOf(found, data)).toBe(standing);
  });

  it("in nobody's place only where no planned machine has the address", () => {
    expect(nobodys([memberOf(planned[0] as MachinePlan, { name: "" })], planned)).toEqual([]);
  });
});
