/**
 * A signed domain: two sites' real Knots with one key, asked by a resolver that
 * validates (BIND's delv) and trusts nothing but what a registrar was given.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProcess } from "#base/process.ts";
import { delegationSigner, type DelegationSigner, zoneKeyFile } from "#converge/pki/zone-key.ts";
import { EXAMPLES } from "#app/folders.ts";
import { parseFederation } from "#model/parse.ts";
import { makePlan } from "#plan/make.ts";
import { freePorts } from "../kube/ports.ts";
import { validated } from "../names/delv.ts";
import { type Knot, makeKnot, openKnot } from "../names/knot.ts";
import { findTool } from "../tools.ts";

const [knotd, delv] = [findTool("knotd"), findTool("delv")];
const lacking = [knotd === undefined && "knotd", delv === undefined && "delv"].filter(
  (name) => name !== false,
);
if (lacking.length > 0 && process.env["CI"]) throw new Error(`needs ${lacking.join(", ")}`);

const file = join(EXAMPLES, "two-sites.yaml");
const text = readFileSync(file, "utf8");
const unsigned = await makePlan(parseFederation(text, file));
const plan = await makePlan(parseFederation(`${text}dnssec: true\n`, file));
const { domain } = plan;
let folder = "";
let signer: DelegationSigner;
let servers: readonly { readonly knot: Knot; readonly port: number }[] = [];

beforeAll(async () => {
  if (knotd === undefined) return;
  folder = mkdtempSync(join(tmpdir(), "panopticon-dnssec-"));
  const { content: zoneKey } = await zoneKeyFile(join(folder, "names"));
  signer = delegationSigner(zoneKey, domain);
  const ports = await freePorts(plan.sites.length);
  servers = plan.sites.map((site, index) => {
    const listen = [`127.0.0.1@${ports[index]}`];
    const knot = makeKnot({ knotd, plan, site, machine: `${site.name}-ecam-1`, listen, zoneKey });
    return { knot, port: ports[index] ?? 0 };
  });
  for (const { knot } of servers) await knot.start();
});

afterAll(async () => {
  for (const { knot } of servers) await knot.remove();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

const ask = (port: number, name: string, by = signer): Promise<string> =>
  validated(name, { domain, signer: by, address: "127.0.0.1", port });

async function everywhere(check: (port: number) => Promise<void>): Promise<void> {
  for (const { port } of servers) await check(port);
}

describe.skipIf(lacking.length > 0)("a signed domain", () => {
  it("is proved at every site by the one DS record that Knot would give, too", async () => {
    const [first] = servers;
    const { stdout } = await runProcess(["keymgr", "-c", first?.knot.configuration ?? "", domain, "ds"]);
    const { keyTag, algorithm, digestType, digest } = signer;
    expect(stdout).toContain(`${domain}. DS ${keyTag} ${algorithm} ${digestType} ${digest}\n`);
    await everywhere(async (port) => {
      for (const name of [domain, `anything.${domain}`, `app.site1.${domain}`])
        expect(await ask(port, name)).toMatch(/^; fully validated$/m);
      expect(await ask(port, `none.ns.site1.${domain}`)).toMatch(/negative response, fully validated/);
    });
  });

  it("is not proved by another key's", async () => {
    const other = delegationSigner((await zoneKeyFile(join(folder, "others"))).content, domain);
    await everywhere(async (port) => {
      expect(await ask(port, domain, other)).not.toContain("; fully validated");
    });
  });

  it("is signed anew with each change, and stays so when its server is killed", async () => {
    const values = ["203.0.113.77"];
    for (const { knot, port } of servers) {
      const changed = { name: `shop.${domain}`, type: "A" as const, ttl: 5, values };
      await openKnot(knot, port).update({ replace: [changed], remove: [] });
      for (const turn of ["at once", "after a kill"]) {
        const said = await ask(port, `shop.${domain}`);
        expect(said, turn).toMatch(/^; fully validated$/m);
        expect(said, turn).toContain("203.0.113.77");
        await knot.kill();
        rmSync(join(knot.folder, "run", "knot.pid"), { force: true });
        await knot.start();
      }
    }
  });

  it("has no signature left when it is signed no more", async () => {
    const [first] = servers;
    if (!first) throw new Error("no server");
    await first.knot.kill();
    rmSync(join(first.knot.folder, "run", "knot.pid"), { force: true });
    first.knot.rewrite(unsigned);
    await first.knot.start();
    const { stdout } = await runProcess([
      "kdig",
      "+dnssec",
      "+noall",
      "+answer",
      "@127.0.0.1",
      "-p",
      String(first.port),
      domain,
      "A",
    ]);
    expect(stdout).toContain("203.0.113.");
    expect(stdout).not.toContain("RRSIG");
  });
});
