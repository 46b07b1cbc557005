/**
 * Certificates by ACME through our own name servers: the real command, four real
 * Knots at two sites, and Pebble, which looks for every proof. What is in question
 * is what is left when something is late, dead, killed or wrong.
 */
import type { ChildProcess } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { globSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Secret } from "kubernetes-types/core/v1.d.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { openSite } from "#app/lab.ts";
import { renewCertificates } from "#app/certificates.ts";
import { mustRun } from "#base/process.ts";
import { openGate } from "#converge/gate.ts";
import { openJournal } from "#converge/journal.ts";
import { NAMESPACES } from "#control/federation/agent/resources.ts";
import type { Resource } from "#ports/kube.ts";
import { CERTIFICATE_SECRET, NAMESPACE } from "#render/traefik/names.ts";
import { type AcmeGround, layAcmeGround } from "../names/acme-ground.ts";
import { startPlane, type Plane } from "../kube/plane.ts";
import { componentFolder, planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";
import { findTool } from "../tools.ts";
import { finish, killAll } from "./panopticon.ts";

const knotd = findTool("knotd");
const lacking = knotd === undefined || findTool("kdig") === undefined || process.getuid?.() !== 0;
const obstacle = await planeObstacle("pebble");
const ATTIC = ["attic-ecam-1", "attic-ecam-2"];
const CELLAR = ["cellar-ecam-1", "cellar-ecam-2"];
const SECRETS: Resource<Secret> = { group: "", version: "v1", plural: "secrets" };
/** No cluster runs here: all that is asked of one is to say so. */
const NO_CLUSTER = ["CERTIFICATE_NOT_DELIVERED"];

let ground: AcmeGround;

/** Runs `certificate renew` to its end; gives the codes of what it tells. */
async function renew(...more: readonly string[]): Promise<{ codes: readonly string[]; said: string }> {
  return told(ground.start("certificate", "renew", ground.file, ...more));
}

async function told(child: ChildProcess): Promise<{ codes: readonly string[]; said: string }> {
  const { stderr, stdout } = await finish(child);
  const codes = stderr.match(/^(?:CERTIFICATE|NAMES|KUBE|CLI|PKI)_[A-Z_]+/gm) ?? [];
  return { codes: [...new Set(codes)].toSorted(), said: `${stdout}\n${stderr}` };
}

async function texts(...machines: readonly string[]): Promise<readonly string[]> {
  return (await Promise.all(machines.map((machine) => ground.texts(machine)))).flat();
}

/** Until name servers have so many TXT records. */
async function shown(machine: string, count: number): Promise<void> {
  const end = performance.now() + 60_000;
  while ((await texts(machine)).length < count) {
    if (performance.now() > end) throw new Error(`${machine} has ${(await texts(machine)).join(", ")}`);
    await sleep(200);
  }
}

async function stop(machines: readonly string[]): Promise<void> {
  for (const machine of machines) await ground.knots.get(machine)?.kill();
}

async function resume(machines: readonly string[]): Promise<void> {
  for (const machine of machines) await ground.knots.get(machine)?.start();
}

function counted(pattern: RegExp): number {
  return ground.pebble.log().match(pattern)?.length ?? 0;
}
const orders = (): number => counted(/Added order/g);
const looks = (): number => counted(/Pulled a task/g);

/** With the account: even when told not to, Pebble believes one proof in a hundred that it has seen of an account before. */
function loseCertificates(): void {
  const lost = globSync(["edge/acme/*/site-*.pem", "edge/acme/*/account.pem"], { cwd: ground.state });
  for (const path of lost) rmSync(join(ground.state, path));
}

describe.skipIf(lacking)("certificates by ACME", () => {
  beforeEach((context) => skipWithoutPlanes(context, obstacle));
  beforeAll(async () => {
    if (obstacle !== undefined) return;
    ground = await layAcmeGround(knotd ?? "", join(await componentFolder("pebble"), "pebble"));
  });
  afterAll(async () => {
    await ground?.remove();
  });

  it("say what would be done, and do nothing", async () => {
    const { codes, said } = await renew("--dry-run");
    expect(codes).toEqual([]);
    expect(said).toContain("2 changes would be made; nothing was changed.");
    expect([orders(), ground.kept().size]).toEqual([0, 0]);
  });

  it("are got for both sites at once, with their names and their chain; no proof is left", async () => {
    expect(await renew()).toMatchObject({ codes: NO_CLUSTER });
    const kept = ground.kept();
    expect([...kept.keys()].toSorted()).toEqual(["attic", "cellar"]);
    const root = join(ground.state, "root.pem");
    writeFileSync(root, ground.root);
    for (const [site, number] of [
      ["attic", 1],
      ["cellar", 2],
    ] as const) {
      const own = `site${number}.home.test`;
      const names = new X509Certificate(kept.get(site)?.replace(/^[^]*?(?=-----BEGIN CERT)/, "") ?? "");
      expect(names.subjectAltName?.split(", ").toSorted()).toEqual(
        ["home.test", "*.home.test", own, `*.${own}`].map((name) => `DNS:${name}`).toSorted(),
      );
      const [file = ""] = globSync(`edge/acme/*/site-${site}.pem`, { cwd: ground.state });
      const path = join(ground.state, file);
      expect(statSync(path).mode & 0o777).toBe(0o600);
      const verify = ["openssl", "verify", "-CAfile", root, "-untrusted", path, "-purpose", "sslserver"];
      for (const host of ["app.home.test", `app.${own}`, own])
        await mustRun("TEST_VERIFY", [...verify, "-verify_hostname", host, path]);
    }
    expect(await texts(...ATTIC, ...CELLAR)).toEqual([]);
    expect(ground.pebble.log()).toContain("There are now 1 accounts in memory");
  });

  it("are left alone while they are good, and shown", async () => {
    const before = orders();
    expect(await renew()).toMatchObject({ codes: NO_CLUSTER });
    expect(orders()).toBe(before);
    const { stdout } = await ground.run("certificate", "list", ground.file, "-o", "json");
    const { certificates } = JSON.parse(stdout) as { certificates: { standing: { state: string } }[] };
    expect(certificates.map(({ standing }) => standing.state)).toEqual(["good", "good"]);
  });

  it("wait for name servers that are late, and have nobody look sooner", async () => {
    loseCertificates();
    await stop(CELLAR);
    const before = looks();
    const running = told(ground.start("certificate", "renew", ground.file));
    // Two orders, each with a text for the domain and one for its wildcard.
    await shown("attic-ecam-1", 8);
    const names = (await texts("attic-ecam-1")).map((text) => text.split(" ")[0]);
    expect(names.filter((name) => name === "_acme-challenge.home.test").length).toBe(4);
    await sleep(4000);
    expect(looks()).toBe(before);
    await resume(CELLAR);
    expect(await running).toMatchObject({ codes: NO_CLUSTER });
    expect(looks()).toBe(before + 8);
    expect([ground.kept().size, await texts(...ATTIC, ...CELLAR)]).toEqual([2, []]);
  });

  it("come though the program is killed with the proofs in place, from the same orders", async () => {
    loseCertificates();
    await stop(CELLAR);
    const before = orders();
    const child = ground.start("certificate", "renew", ground.file);
    await shown("attic-ecam-1", 8);
    killAll(child);
    await resume(CELLAR);
    expect((await texts("attic-ecam-1")).length).toBe(8);
    expect(await renew()).toMatchObject({ codes: NO_CLUSTER });
    expect(orders()).toBe(before + 2);
    expect([ground.kept().size, await texts(...ATTIC, ...CELLAR)]).toEqual([2, []]);
    expect(globSync("edge/acme/*/*.order.json", { cwd: ground.state })).toEqual([]);
  });

  it("say which name servers are dead, and leave no proof at the others", async () => {
    loseCertificates();
    await stop(CELLAR);
    const before = looks();
    const { codes, said } = await renew("--timeout", "5s");
    expect(codes).toEqual(["CERTIFICATE_NOT_VISIBLE"]);
    for (const machine of CELLAR)
      expect(said).toContain(`${machine} at cellar does not show the TXT records`);
    expect(looks()).toBe(before);
    expect(await texts(...ATTIC)).toEqual([]);
    await resume(CELLAR);
    expect(await renew()).toMatchObject({ codes: NO_CLUSTER });
    expect([ground.kept().size, await texts(...ATTIC, ...CELLAR)]).toEqual([2, []]);
  });

  it("do without one dead name server where its site has another, and say so", async () => {
    loseCertificates();
    await stop(["cellar-ecam-2"]);
    const { codes, said } = await renew();
    expect(codes).toEqual(NO_CLUSTER);
    expect(said).toMatch(/cellar-ecam-2.*passed over/);
    expect(ground.kept().size).toBe(2);
    // What it may have been given is remembered, and taken away when it is back.
    const list = await ground.run("certificate", "list", ground.file);
    expect(list.stdout).toContain("4 TXT records of an order for attic may still be at name servers");
    await resume(["cellar-ecam-2"]);
    await renew();
    expect(await texts(...ATTIC, ...CELLAR)).toEqual([]);
    expect(globSync("edge/acme/*/*.order.json", { cwd: ground.state })).toEqual([]);
  });

  it("say that a name server does not take the key, and ask nobody to look", async () => {
    loseCertificates();
    const file = join(ground.state, "names/cellar.tsig");
    const right = readFileSync(file, "utf8");
    writeFileSync(file, `${Buffer.alloc(32, "wrong").toString("base64")}\n`);
    const before = looks();
    const { codes, said } = await renew();
    expect(codes).toEqual(["NAMES_KEY"]);
    expect(said).toMatch(/cellar-ecam-\d at .* does not take the key/);
    expect([looks(), await texts(...ATTIC)]).toEqual([before, []]);
    writeFileSync(file, right);
    expect(await renew()).toMatchObject({ codes: NO_CLUSTER });
  });

  it("say that the authority is not trusted, or not there; a good certificate stays", async () => {
    const kept = ground.kept();
    const right = readFileSync(ground.authorityFile, "utf8");
    const [folder = ""] = globSync("edge/acme/*", { cwd: ground.state });
    const lost = join(ground.state, folder, "site-attic.pem");
    rmSync(lost);
    writeFileSync(ground.authorityFile, ground.root);
    expect((await renew()).codes).toEqual(["CERTIFICATE_AUTHORITY_UNTRUSTED", ...NO_CLUSTER]);
    writeFileSync(ground.authorityFile, right);
    await ground.pebble.kill();
    expect((await renew()).codes).toEqual(["CERTIFICATE_AUTHORITY_SILENT", ...NO_CLUSTER]);
    writeFileSync(lost, kept.get("attic") ?? "");
    expect(ground.kept()).toEqual(kept);
  });

  describe("at a site's API", () => {
    let plane: Plane;

    beforeAll(async () => {
      if (obstacle === undefined) plane = await startPlane({ controllers: false, durable: false });
    });
    afterAll(async () => {
      await plane?.remove();
      vi.unstubAllEnvs();
    });

    it("are what the ingress is given, once", async () => {
      vi.stubEnv("XDG_STATE_HOME", ground.stateHome);
      const kube = plane.open();
      const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } };
      await kube.create({ resource: NAMESPACES }, namespace);
      const [site] = ground.plan.sites;
      if (!site) throw new Error("a plan without sites");
      const context = { ...openSite(ground.plan, site), kube: () => Promise.resolve(kube) };
      const journal = openJournal(":memory:");
      const emit = () => undefined;
      const options = { contexts: [context], gate: openGate(journal, emit, () => new Date()), emit };
      expect(await renewCertificates(ground.plan, options)).toBe(1);
      const at = { resource: SECRETS, namespace: NAMESPACE, name: CERTIFICATE_SECRET };
      const given = (await kube.find(at))?.data ?? {};
      const decoded = (key: string) => Buffer.from(given[key] ?? "", "base64").toString();
      expect(decoded("tls.key") + decoded("tls.crt")).toBe(ground.kept().get("attic"));
      expect(await renewCertificates(ground.plan, options)).toBe(0);
      journal.close();
    });
  });
});
