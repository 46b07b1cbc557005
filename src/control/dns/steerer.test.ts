import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ensureVoter } from "#converge/pki/names.ts";
import type { NameServer, RecordSet } from "#ports/names.ts";
import { virtualClock } from "../runtime/clock.fixture.ts";
import { openSigner } from "./signature.ts";
import { Steerer } from "./steerer.ts";
import type { Word } from "./words.ts";

const SITES = ["attic", "barn", "cellar"] as const;
const WITNESS = "outpost";
const VOTERS = [...SITES, WITNESS];
const addressOf = (site: string): string => `203.0.113.${11 + SITES.indexOf(site as "attic")}`;
const places = SITES.map((site) => ({ site, address: addressOf(site) }));
const siteDomains = Object.fromEntries(SITES.map((site, index) => [site, `site${index + 1}.home.test`]));

/** A zone that takes every change. */
function nameServer(name: string): NameServer {
  const records = new Map<string, RecordSet>();
  let serial = 0;
  return {
    name,
    serial: async () => serial,
    records: async () => [...records.values()],
    texts: async (asked) => records.get(`${asked} TXT`)?.values ?? [],
    update: async ({ replace, remove }) => {
      serial += 1;
      for (const set of replace) records.set(`${set.name} ${set.type}`, set);
      for (const set of remove) records.delete(`${set.name} ${set.type}`);
    },
  };
}

/** All voters with lines between them; `works` says what a probe of a service at a site finds. */
async function federation(works: (site: string, host: string) => boolean) {
  const folder = await mkdtemp(join(tmpdir(), "steerer-"));
  const end = new AbortController();
  const clock = virtualClock();
  const steerers = new Map<string, Steerer>();
  const servers = new Map(SITES.map((site) => [site, nameServer(site)]));
  const silent = new Set<string>();
  const passed = (words: readonly Word[]) => JSON.parse(JSON.stringify(words)) as readonly Word[];
  const send = (from: string, words: readonly Word[]): void => {
    for (const to of VOTERS) {
      if (to === from || silent.has(from) || silent.has(to)) continue;
      const answer = steerers.get(to)?.hear(from, passed(words));
      if (answer) steerers.get(from)?.hear(to, passed(answer));
    }
  };
  for (const self of VOTERS) {
    const { authority, voter } = await ensureVoter(folder, self, new Date());
    const server = servers.get(self as "attic");
    const options = {
      self,
      domain: "home.test",
      voters: VOTERS,
      places,
      siteDomains,
      ...(server && { ingress: "10.0.0.180" }),
      servers: server ? [server] : [],
      intervalMs: 1000,
      probe: async ({ service = "", addresses }: { service?: string; addresses: readonly string[] }) => {
        const site = SITES.find((one) => addresses.includes(addressOf(one))) ?? "";
        return { works: works(site, service), found: "a test" };
      },
      signer: openSigner(authority, voter.certificate, voter.key),
      send: (words: readonly Word[]) => send(self, words),
      note: () => undefined,
      clock,
    };
    const steerer = new Steerer(options);
    steerers.set(self, steerer);
    void steerer.run(end.signal);
  }
  onTestFinished(async () => {
    end.abort(new Error("the test is over"));
    await rm(folder, { recursive: true });
  });
  return {
    steerers,
    silent,
    pass: (seconds: number) => clock.advance(seconds * 1000),
    /** Of each site, the sites that its servers name. */
    answers: async (host: string): Promise<readonly (readonly string[] | undefined)[]> => {
      const sets = await Promise.all([...servers.values()].map((server) => server.records()));
      return sets.map((records) => {
        const set = records.find(({ name, type }) => name === host && type === "A");
        return set && SITES.filter((site) => set.values.includes(addressOf(site)));
      });
    },
    probes: (voter: string, host: string): readonly string[] => {
      const status = steerers.get(voter)?.status();
      const { sees } = (status ?? { sees: [] }) as { sees: { service?: string; key: string }[] };
      return sees.filter(({ service }) => service === host).map(({ key }) => key.replace(`${host} at `, ""));
    },
  };
}

const SHOP = "shop.home.test";
const everywhere = (value: readonly string[]) => SITES.map(() => value);

describe("voters that tell each other which services their sites have", () => {
  it("answer a name with the sites that have it, probe it there alone, and leave out where it fails", async () => {
    const broken = new Set<string>();
    const { steerers, pass, answers, probes } = await federation(
      (site, host) => host !== SHOP || !broken.has(site),
    );
    await pass(3);
    expect(await answers(SHOP)).toEqual(SITES.map(() => undefined));
    steerers.get("attic")?.setHosts([SHOP, "site1.home.test", "bank.other.test"]);
    steerers.get("barn")?.setHosts([SHOP]);
    steerers.get("cellar")?.setHosts([]);
    await pass(3);
    expect(await answers(SHOP)).toEqual(everywhere(["attic", "barn"]));
    expect(await answers("bank.other.test")).toEqual(SITES.map(() => undefined));
    expect(probes(WITNESS, SHOP)).toEqual(["attic 203.0.113.11", "barn 203.0.113.12"]);
    expect(probes("barn", SHOP)).toEqual(["barn inside", "attic 203.0.113.11"]);
    broken.add("barn");
    await pass(6);
    expect(await answers(SHOP)).toEqual(everywhere(["attic"]));
    expect(await answers("home.test")).toEqual(everywhere(SITES));
    for (const site of SITES) steerers.get(site)?.setHosts([]);
    await pass(3);
    expect(probes(WITNESS, SHOP)).toEqual([]);
    expect(await answers(SHOP)).toEqual(SITES.map(() => undefined));
  });

  it("keep what a site has said while it is silent, and take one that was never heard for one that may have it", async () => {
    const { steerers, silent, pass, answers } = await federation(() => true);
    silent.add("cellar");
    steerers.get("cellar")?.setHosts([]);
    steerers.get("attic")?.setHosts([SHOP]);
    await pass(3);
    const before = await answers(SHOP);
    // No record of its own: it is answered by the wildcard, which names all.
    expect(before[0]).toBeUndefined();
    steerers.get("barn")?.setHosts([]);
    await pass(3);
    expect((await answers(SHOP)).slice(0, 2)).toEqual([
      ["attic", "cellar"],
      ["attic", "cellar"],
    ]);
    silent.clear();
    await pass(4);
    expect(await answers(SHOP)).toEqual(everywhere(["attic"]));
    silent.add("cellar");
    await pass(30);
    expect(await answers(SHOP)).toEqual(everywhere(["attic"]));
  });
});
