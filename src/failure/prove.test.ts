import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseFederation } from "#model/parse.ts";
import type { FederationFile } from "#model/federation.ts";
import { makePlan } from "#plan/make.ts";
import { fileOf, server, site } from "#plan/test/federations.ts";
import type { Proof } from "./proof.ts";
import { prove } from "./prove.ts";
import { applyEdits } from "./what-if.ts";

const OPTIONS = { order: 3, without: [] };

function example(name: string): FederationFile {
  const file = new URL(`../../examples/${name}.yaml`, import.meta.url);
  return parseFederation(readFileSync(file, "utf8"), name);
}

async function proofOf(file: FederationFile, without: readonly string[] = []): Promise<Proof> {
  return prove(file.federation, await makePlan(file), { ...OPTIONS, without });
}

function changed(file: FederationFile, change: Partial<FederationFile["federation"]>): FederationFile {
  return { ...file, federation: { ...file.federation, ...change } };
}

function outcome(work: () => unknown): string {
  try {
    work();
    return "made";
  } catch (error) {
    return (error as Error).name;
  }
}

/** `CODE subject` of the findings, notes about names left out. */
function told({ findings }: Proof): readonly string[] {
  return findings
    .filter(({ code }) => code !== "PROVE_UNNAMED")
    .map(({ code, subject }) => `${code} ${subject}`);
}

/** The ids of what alone breaks a promise, common causes left out. */
function alone(proof: Proof, promised: string): readonly string[] {
  const found = proof.promises.find(({ id }) => id === promised);
  const singles = found?.cuts.filter(({ components }) => components.length === 1) ?? [];
  return singles
    .flatMap(({ components }) => components)
    .filter((id) => !id.startsWith("common-cause:"))
    .toSorted();
}

describe("a person's own analysis of the examples", () => {
  it("home: the server with two control planes is one too few; place, router and line are one each", async () => {
    const proof = await proofOf(example("home"));
    expect(told(proof)).toEqual([
      "PROVE_ONE_SITE site:flat",
      "PROVE_ONE_ROUTER router:flat",
      "PROVE_ONE_LINE line:flat",
      "PROVE_ETCD_NEEDS_THIRD server:flat/left",
      "PROVE_NO_BACKUP home",
    ]);
    expect(alone(proof, "etcd:flat")).toEqual(["disk:flat/left/ssd", "server:flat/left", "site:flat"]);
    expect(alone(proof, "data:flat")).toEqual(["site:flat"]);
    expect(alone(proof, "outside:flat")).toEqual([
      "address:203.0.113.10",
      "line:flat",
      "router:flat",
      "site:flat",
    ]);
  });

  it("two-sites: no server and no machine matters alone, and either site goes on without the other", async () => {
    const proof = await proofOf(example("two-sites"));
    expect(proof.goals.map(({ goal, holds }) => [goal, holds])).toEqual([
      ["survive any server", true],
      ["survive any site", true],
      ["availability 99.9 %", true],
    ]);
    const doubled = ["server", "machine", "disk", "etcd", "apiserver", "haproxy", "keepalived"];
    const harmful = proof.components.filter(
      ({ kind, breaks }) => doubled.includes(kind) && breaks.length > 0,
    );
    expect(harmful).toEqual([]);
    expect(alone(proof, "api:attic")).toEqual(["site:attic"]);
    expect(alone(proof, "somewhere")).toEqual([]);
    expect(told(proof)).toEqual([
      "PROVE_NO_BACKUP two-sites",
      "PROVE_ONE_ROUTER router:attic",
      "PROVE_ONE_LINE line:attic",
      "PROVE_ONE_ROUTER router:cellar",
      "PROVE_ONE_LINE line:cellar",
      "PROVE_WITNESS two-sites",
    ]);
    const { witness: _, ...unwitnessed } = example("two-sites").federation;
    expect(told(await proofOf({ ...example("two-sites"), federation: unwitnessed }))).toContain(
      "PROVE_TWO_SITES two-sites",
    );
  });

  it("three-sites: the hut hangs on its one box, the office's router on one feed, and any site may go", async () => {
    const proof = await proofOf(example("three-sites"));
    expect(proof.goals.every(({ holds }) => holds)).toBe(true);
    expect(told(proof)).toEqual([
      "PROVE_ONE_SERVER server:hut/box",
      "PROVE_ONE_FEED feed:office/ups",
      "PROVE_ONE_ROUTER router:office",
      "PROVE_ONE_ROUTER router:house",
      "PROVE_ONE_LINE line:house",
      "PROVE_ONE_ROUTER router:hut",
      "PROVE_ONE_LINE line:hut",
    ]);
    expect(alone(proof, "outside:office")).toEqual(["feed:office/ups", "router:office", "site:office"]);
    expect(alone(proof, "backup")).toEqual([]);
  });
});

describe("findings", () => {
  it("say the way from the fault to the promise", async () => {
    const { findings } = await proofOf(example("home"));
    const etcd = findings.find(({ code }) => code === "PROVE_ETCD_NEEDS_THIRD");
    expect(etcd?.why).toEqual([
      "server flat/left is lost",
      "flat-cp-1 and flat-cp-3 are down",
      "the etcd member of flat-cp-1 and the etcd member of flat-cp-3 are gone",
      "2 of 3 etcd votes of flat are gone, so the rest is no majority",
    ]);
    expect(etcd?.hides).toEqual(["disk:flat/left/ssd"]);
  });

  it.each(["home", "two-sites", "three-sites"])("of %s: each goes when its remedy is tried", async (name) => {
    const file = example(name);
    const { findings } = await proofOf(file);
    const tried = findings.filter(({ remedy }) => remedy.whatIf.length > 0);
    expect(tried.length).toBeGreaterThan(0);
    for (const { code, subject, remedy } of tried) {
      const federation = applyEdits(file.federation, remedy.whatIf);
      const after = await proofOf({ federation, source: new Map() });
      // What no other site can mend becomes a note: the others go on serving.
      const left = after.findings.filter((one) => one.code === code && one.subject === subject);
      const bearable = code === "PROVE_ONE_ROUTER";
      expect(
        left.filter(({ severity }) => !bearable || severity !== "note"),
        `${code} ${subject}`,
      ).toEqual([]);
    }
  });

  it("both ECAMs behind one switch, all disks on one controller, one name server, more replicas than servers", async () => {
    const small = (name: string) => server(name, { switches: ["main"], power: ["mains"] });
    const file = fileOf([
      site("one", 20, [small("a"), small("b"), { ...small("c"), role: "witness", workers: 0 }], {
        replicas: 3,
      }),
    ]);
    expect(told(await proofOf(file))).toEqual(
      expect.arrayContaining([
        "PROVE_ONE_SWITCH switch:one/main",
        "PROVE_ONE_FEED feed:one/mains",
        "PROVE_REPLICAS_SHARE_SERVER one",
      ]),
    );
    const disks = ["x", "y"].map((name) => ({ name, sizeGiB: 500, controller: "hba" }));
    const single = fileOf([site("one", 20, [server("a", { disks })], { controlplanes: 1 })]);
    const proof = await proofOf(single);
    expect(told(proof)).toContain("PROVE_ONE_NAME_SERVER nameserver:one-ecam-1");
    const box = proof.findings.find(({ subject }) => subject === "server:one/a");
    expect(box?.hides, "the root cause hides its consequences").toContain("controller:one/a/hba");
  });

  it("a crown that nobody could take over, and backups that go with one site", async () => {
    const rented = { ...site("rented", 30, []), kind: "aws" as const, region: "eu-central-1" };
    const file = changed(fileOf([site("own", 20, [server("a"), server("b"), server("c")]), rented]), {
      backups: [
        { name: "one", site: "own" },
        { name: "two", site: "own" },
      ],
    });
    const codes = told(await proofOf(file));
    expect(codes).toContain("PROVE_CROWN_ALONE home");
    expect(codes).toContain("PROVE_BACKUPS_IN_ONE_PLACE site:own");
  });
});

describe("goals", () => {
  const survive = (what: "any machine" | "any server" | "any site", at?: readonly string[]) =>
    ({ kind: "survive", what, ...(at && { at }) }) as const;

  it("are broken by the component that breaks them, with the reason", async () => {
    const file = changed(example("home"), {
      goals: [survive("any server"), survive("any machine"), survive("any site")],
    });
    const [servers, machines, sites] = (await proofOf(file)).goals;
    expect(servers?.broken.map(({ cut }) => cut)).toEqual([["server:flat/left"]]);
    expect(servers?.broken[0]?.why[0]).toBe("server flat/left is lost");
    expect(machines?.holds).toBe(true);
    expect(sites?.broken[0]?.breaks).toEqual(["somewhere", "crown"]);
  });

  it("hold only for the sites they name", async () => {
    const everywhere = changed(example("three-sites"), { goals: [survive("any machine")] });
    const [goal] = (await proofOf(everywhere)).goals;
    expect(goal?.broken.map(({ cut }) => cut[0])).toEqual([
      "machine:hut-ecam-1",
      "machine:hut-cp-1",
      "machine:hut-worker-1",
    ]);
  });

  it("an availability is that of the service somewhere", async () => {
    const file = changed(example("home"), { goals: [{ kind: "availability", target: 0.999 }] });
    const [goal] = (await proofOf(file)).goals;
    expect(goal?.holds).toBe(false);
    expect(goal?.availability?.is).toBeCloseTo(0.996, 3);
  });
});

describe("without components", () => {
  it("a proof says the same as the graph in which they have failed", async () => {
    const proof = await proofOf(example("two-sites"), ["server:attic/left"]);
    expect(alone(proof, "etcd:attic")).toContain("server:attic/right");
    expect(alone(proof, "etcd:attic")).toContain("etcd:attic-cp-3");
    expect(alone(proof, "etcd:cellar")).toEqual(["site:cellar"]);
  });

  it("an unknown one is told with what is near", async () => {
    await expect(proofOf(example("home"), ["server:flat/lefft"])).rejects.toThrow(
      'PROOF_UNKNOWN_COMPONENT the plan has no component "server:flat/lefft"\n  → did you mean server:flat/left?',
    );
  });
});

describe("changes that are only thought", () => {
  it("whatever is typed is made or told, never thrown otherwise", () => {
    const { federation } = example("two-sites");
    const words = fc.constantFrom(
      "+",
      "-",
      " ",
      "server",
      "witness",
      "site",
      "line",
      "backup",
      "attic",
      "/",
      "@",
      "x",
      "cellar/left",
    );
    fc.assert(
      fc.property(fc.array(words, { maxLength: 6 }), (parts) => {
        expect(["made", "PanopticonError"]).toContain(
          outcome(() => applyEdits(federation, [parts.join("")])),
        );
      }),
    );
  });

  it("leave the file's own federation as it is", () => {
    const { federation } = example("two-sites");
    const before = structuredClone(federation);
    const after = applyEdits(federation, [
      "+server attic/new",
      "-site cellar",
      "+site shed",
      "+backup nas@attic",
    ]);
    expect(federation).toEqual(before);
    expect(after.sites.map(({ name }) => name)).toEqual(["attic", "shed"]);
    expect(after.sites[0]?.servers.map(({ name }) => name)).toEqual(["left", "right", "shelf", "new"]);
  });
});
