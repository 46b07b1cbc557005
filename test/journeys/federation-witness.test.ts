/** The crown of two real sites, whose third vote is an outside witness: a real process on a line of its own. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openWitness } from "#app/witness/client.ts";
import { readWitnessFile } from "#app/witness/file.ts";
import { planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";
import { sameEverywhere } from "./compare.ts";
import { type Crown, crownAt, CROWNS, untilUnheard } from "./crowns.ts";
import {
  createMap,
  type Federation,
  federatedMap,
  mapRef,
  type Site,
  startFederation,
  until,
} from "./federation.ts";
import { type Line, openLine } from "./line.ts";
import { makeWitness, type WitnessProcess } from "./witness.ts";

const obstacle = await planeObstacle();
const CROWN = { resource: CROWNS, name: "crown" };
const SECRET = {
  resource: { group: "", version: "v1", plural: "secrets" },
  namespace: "kube-federation-system",
  name: "panopticon-witness",
};

interface Shown {
  readonly holder: string;
  readonly witness?: {
    readonly name: string;
    readonly answers: boolean;
    readonly why?: string;
    readonly report?: {
      readonly epoch: number;
      readonly holder: string;
      readonly heardSecondsAgo?: number;
    };
  };
}

describe("the crown of two sites and a witness", () => {
  let federation: Federation;
  let hub: Site;
  let two: Site;
  let witness: WitnessProcess;
  /** A way to the hub that only the witness takes. */
  let bypass: Line;
  const dir = mkdtempSync(join(tmpdir(), "panopticon-outside-"));
  const take = () =>
    federation.panopticon("crown", "move", "--to", two.name, "--take", "--context", two.name);
  const shown = async (site: Site) =>
    JSON.parse(await federation.panopticon("crown", "show", "--context", site.name, "-o", "json")) as Shown;
  const untilHeard = () =>
    until(
      "the hub is heard again",
      60,
      async () => (await crownAt(two)).status?.holder?.heard === true,
      federation.sites,
    );
  const witnessOf = ({ spec }: Crown) => (spec as { readonly witness?: object }).witness;

  beforeEach((context) => skipWithoutPlanes(context, obstacle));
  beforeAll(async () => {
    if (obstacle !== undefined) return;
    federation = await startFederation(2, { lines: true });
    [hub, two] = federation.sites as [Site, Site];
    bypass = await openLine(hub.plane.server);
    witness = await makeWitness(dir, "witness");
    await createMap(hub.kube, federatedMap("shared", { value: "1" }));
    await sameEverywhere(hub, federation.sites, 60);
    const { spec } = await crownAt(hub);
    const endpoints = [hub.far.server, bypass.server];
    const sites = spec.sites.map((site) => (site.name === hub.name ? { ...site, endpoints } : site));
    await hub.kube.patch(CROWN, { spec: { sites } });
  });
  afterAll(async () => {
    await witness?.kill();
    await federation?.remove();
    await bypass?.close();
    rmSync(dir, { recursive: true, force: true });
  });

  it("is not taken without a witness, and what would help is said", async () => {
    hub.far.cut();
    await untilUnheard([two]);
    await expect(take()).rejects.toThrow(/FEDERATION_CROWN_NO_MAJORITY.*panopticon witness create/s);
    hub.far.mend();
    await untilHeard();
  });

  it("has no witness that does not answer, does not know the secret, or hears nobody", async () => {
    const set = (file: string) => federation.panopticon("crown", "witness", "set", "--file", file);
    await expect(set(witness.file)).rejects.toThrow("FEDERATION_WITNESS_SILENT");
    await witness.start();
    const text = readFileSync(witness.file, "utf8");
    const { credential } = readWitnessFile(text, witness.file);
    const wrong = join(dir, "wrong.json");
    const other = `${credential.slice(0, -2)}${credential.endsWith("AA") ? "BB" : "AA"}`;
    writeFileSync(wrong, text.replace(credential, other), { mode: 0o600 });
    await expect(set(wrong)).rejects.toThrow("FEDERATION_WITNESS_SECRET");
    for (const line of [hub.far, bypass]) line.cut();
    const near = ["--kubeconfig", hub.plane.kubeconfig];
    const deaf = federation.panopticon("crown", "witness", "set", "--file", witness.file, ...near);
    await expect(deaf).rejects.toThrow(/FEDERATION_WITNESS_DEAF.*does not hear/);
    for (const line of [hub.far, bypass]) line.mend();
    expect(witnessOf(await crownAt(hub))).toBeUndefined();
    expect(await set(witness.file)).toContain("It votes whenever the crown is to be taken.");
    await until(
      "the other site knows of it",
      30,
      async () => witnessOf(await crownAt(two)) !== undefined,
      federation.sites,
    );
    for (const { kube } of [hub, two]) expect(await kube.find(SECRET)).toBeDefined();
    await until("the witness hears the hub", 30, async () => {
      const { answers, report } = (await shown(two)).witness ?? {};
      return answers === true && report?.holder === hub.name && (report.heardSecondsAgo ?? 99) < 5;
    });
    const impostor = await makeWitness(dir, "second");
    await expect(set(impostor.file)).rejects.toThrow("FEDERATION_WITNESS_OTHER");
  });

  it("is not taken from a holder that the witness hears, nor by the word of somebody else in its place", async () => {
    const { epoch } = (await crownAt(two)).spec;
    hub.far.cut();
    await untilUnheard([two]);
    await expect(take()).rejects.toThrow(/FEDERATION_CROWN_HOLDER_ALIVE the witness home/);
    await witness.kill();
    const impostor = await makeWitness(dir, "impostor", witness.url);
    await impostor.start();
    await expect(take()).rejects.toThrow("FEDERATION_WITNESS_CERTIFICATE");
    expect(await federation.panopticon("crown", "show", "--context", two.name)).toContain(
      "FEDERATION_WITNESS_CERTIFICATE",
    );
    await impostor.kill();
    await expect(take()).rejects.toThrow(/FEDERATION_CROWN_NO_MAJORITY.*witness home/);
    expect((await crownAt(two)).spec).toMatchObject({ epoch, holder: hub.name });
    hub.far.mend();
    await untilHeard();
  });

  it("is taken from a hub that is lost for good, by a witness that died over its vote and kept it", async () => {
    const before = await crownAt(two);
    await Promise.all([hub.killAgent(), hub.plane.apiServer.kill(), hub.plane.etcd.kill()]);
    await untilUnheard([two]);
    const marker = join(dir, "die");
    writeFileSync(marker, "");
    const preload = join(import.meta.dirname, "die-before-answer.ts");
    await witness.start({ NODE_OPTIONS: `--import=${preload}`, DIE_BEFORE_ANSWER: marker });
    await expect(take()).rejects.toThrow(/FEDERATION_CROWN_NO_MAJORITY/);
    expect(witness.runs()).toBe(false);
    expect((await crownAt(two)).spec.holder).toBe(hub.name);
    const promised = promiseIn(witness.folder);
    expect(promised?.site).toBe(two.name);
    rmSync(marker);
    await witness.start();
    const asked = openWitness(readWitnessFile(readFileSync(witness.file, "utf8"), witness.file));
    const crown = { epoch: before.spec.epoch, holder: hub.name, endpoints: [hub.far.server] };
    const round = Math.floor((promised?.epoch ?? 0) / 1000);
    const claim = (epoch: number) => asked.claim({ crown, site: hub.name, epoch });
    expect(await claim(round * 1000 + 1)).toMatchObject({ granted: false, reason: "PromisedElsewhere" });
    expect(await claim((round + 1) * 1000 + 1)).toMatchObject({ granted: false, reason: "Unsettled" });

    expect(await take()).toMatch(/taken\.$/m);
    const { spec } = await crownAt(two);
    expect(spec.history.at(-1)).toMatchObject({ how: "taken", holder: two.name });
    await createMap(two.kube, federatedMap("after", { value: "2" }));
    await until(
      "the site goes on as the hub",
      60,
      async () => (await two.kube.find(mapRef("after")))?.data?.["value"] === "2",
      [two],
    );
    expect((await shown(two)).witness).toMatchObject({
      answers: true,
      report: { epoch: spec.epoch, holder: two.name },
    });
    expect(await claim(spec.epoch + 999)).toMatchObject({ reason: "Outdated" });
  });

  it("has no witness any more once that was said", async () => {
    const said = await federation.panopticon("crown", "witness", "remove", "--context", two.name);
    expect(said).toContain("The witness home votes no more.");
    expect(said).toContain(`may still be at ${hub.name}`);
    expect(witnessOf(await crownAt(two))).toBeUndefined();
    expect(await two.kube.find(SECRET)).toBeUndefined();
  });
});

function promiseIn(folder: string): { readonly site: string; readonly epoch: number } | undefined {
  const file = `${folder}/federations/${readWitnessId(folder)}.json`;
  const { state } = JSON.parse(readFileSync(file, "utf8")) as {
    readonly state: { readonly promised?: { readonly site: string; readonly epoch: number } };
  };
  return state.promised;
}

function readWitnessId(folder: string): string {
  const text = readFileSync(`${folder}.json`, "utf8");
  return readWitnessFile(text, folder).credential.split(".")[0] ?? "";
}
