import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { FederationFile, Server } from "#model/federation.ts";
import { diffPlans } from "./difference.ts";
import { makePlan } from "./make.ts";
import { machinesOn, misfit, takenOver } from "./replacement.ts";
import { fileOf, server, site } from "./test/federations.ts";

const ORDER = { site: "attic", old: "b", fresh: "z" };

function attic(servers: readonly Server[]): FederationFile {
  return fileOf([site("attic", 1, servers)]);
}

/** What replacing a server comes to where the file then has these servers. */
async function replaced(before: readonly Server[], after: readonly Server[], order = ORDER) {
  const previous = takenOver(await makePlan(attic(before)), order);
  const plan = await makePlan(attic(after), previous);
  const machines = machinesOn(previous, order.site, order.fresh).map(({ name }) => name);
  return { previous, plan, machines, found: misfit(previous, plan, order, machines) };
}

describe("a replaced server's machines", () => {
  it("keep all they are called by, whatever the sites' servers and the place in the file", async () => {
    const servers = fc.record({
      workers: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 5 }),
      place: fc.nat(),
      to: fc.nat(),
      larger: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(servers, async ({ workers, place, to, larger }) => {
        const before = workers.map((each, index) => server(`s${index}`, { workers: each, cpus: 32 }));
        const old = before[place % before.length] as Server;
        const fresh = { ...old, name: "z", ...(larger && { memoryMiB: old.memoryMiB * 2 }) };
        const others = before.filter((each) => each !== old);
        const after = others.toSpliced(to % before.length, 0, fresh);
        const order = { site: "attic", old: old.name, fresh: "z" };
        const { previous, plan, machines, found } = await replaced(before, after, order);
        expect(machines.length).toBeGreaterThan(old.workers);
        expect(found).toEqual({ lost: [], beside: [] });
        const identity = (name: string) => (each: typeof plan) => {
          const machine = each.sites[0]?.machines.find((one) => one.name === name);
          return [machine?.address, machine?.mac, machine?.uuid, machine?.podNetwork, machine?.server];
        };
        for (const name of machines) expect(identity(name)(plan)).toEqual(identity(name)(previous));
      }),
      { numRuns: 60 },
    );
  });

  it("keep them on the same name with new hardware, where nothing changes at all", async () => {
    const servers = [server("a"), server("b"), server("c")];
    const { previous, plan, found } = await replaced(servers, servers, { ...ORDER, fresh: "b" });
    expect(diffPlans(previous, plan)).toEqual([]);
    expect(found).toEqual({ lost: [], beside: [] });
  });

  it("are missed where the new server carries fewer, and where it is a witness", async () => {
    const before = [server("a"), server("b", { workers: 2 }), server("c")];
    const fewer = await replaced(before, [server("a"), server("z"), server("c")]);
    expect(fewer.found.lost).toEqual(["machine attic-worker-3 removed"]);
    const vote = await replaced(before, [server("a"), server("z", { role: "witness" }), server("c")]);
    expect(vote.found.lost.length).toBeGreaterThan(2);
  });

  it("are told from what else the file asks for", async () => {
    const before = [server("a"), server("b"), server("c")];
    const more = await replaced(before, [server("a", { workers: 2 }), server("z"), server("c")]);
    expect(more.found.lost).toEqual([]);
    expect(more.found.beside).toContain("machine attic-worker-4 added");
  });
});
