import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { ensureEdgeAuthority, ensureEdgeCertificate, sitesAuthority } from "#converge/pki/edge.ts";
import { probeService, probeSite, trusted } from "./probe.ts";

const NOW = new Date();
const DOMAIN = "home.test";
const ATTIC = { name: "attic", domain: "attic.home.test" };
const dir = mkdtempSync(join(tmpdir(), "panopticon-probe-"));
afterAll(() => rmSync(dir, { recursive: true }));

/** A site's door that shows the certificate of the federation whose keys are in that folder. */
async function door(folder: string): Promise<number> {
  const { certificate, key } = await ensureEdgeCertificate(join(dir, folder), DOMAIN, ATTIC, NOW);
  const server = createServer({ cert: certificate, key }, (_request, response) => void response.end("hello"));
  onTestFinished(() => void server.close());
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return (server.address() as AddressInfo).port;
}

const at = (port: number, name: string) => ({ address: "127.0.0.1", port, name, timeoutMs: 5000 });

describe("a probe of a site", () => {
  it("believes the federation's own authority, by the names that it vouches for", async () => {
    const port = await door("ours");
    const authority = await sitesAuthority(join(dir, "ours"), { domain: DOMAIN }, NOW);
    const { sites, services } = trusted(authority, false);
    expect(sites).toEqual([authority]);
    expect(await probeSite({ ...at(port, "health.attic.home.test"), authorities: sites })).toEqual({
      works: true,
      found: "HTTP 200",
    });
    expect(await probeService({ ...at(port, "app.home.test"), authorities: services })).toMatchObject({
      works: true,
    });
    expect(await probeSite({ ...at(port, "health.cellar.home.test"), authorities: sites })).toEqual({
      works: false,
      found: "ERR_TLS_CERT_ALTNAME_INVALID",
    });
  });

  it("believes nobody else's", async () => {
    const port = await door("strangers");
    const authority = await sitesAuthority(join(dir, "ours"), { domain: DOMAIN }, NOW);
    for (const publicAuthorities of [false, true]) {
      const { sites } = trusted(authority, publicAuthorities);
      expect(await probeSite({ ...at(port, "health.attic.home.test"), authorities: sites })).toMatchObject({
        works: false,
      });
    }
  });

  it("believes an ACME authority that the file names, and our own as long as that has given nothing", async () => {
    const acme = { directory: "https://acme.test/dir", email: "a@home.test" };
    const other = await ensureEdgeAuthority(join(dir, "acme"), DOMAIN, NOW);
    const authorityFile = join(dir, "acme", "ca.crt");
    const authority = await sitesAuthority(
      join(dir, "ours"),
      { domain: DOMAIN, acme: { ...acme, authorityFile } },
      NOW,
    );
    expect(authority).toContain(other.certificate);
    const { sites } = trusted(authority, true);
    expect(sites.length).toBeGreaterThan(50); // the public ones, which Node carries
    for (const folder of ["acme", "ours"]) {
      const port = await door(folder);
      expect(await probeSite({ ...at(port, "health.attic.home.test"), authorities: sites })).toMatchObject({
        works: true,
      });
    }
  });
});
