import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runProcess } from "#base/process.ts";
import {
  edgeAuthorityFile,
  ensureEdgeAuthority,
  ensureEdgeCertificate,
  ensurePanelCredential,
} from "./edge.ts";
import { apr1 } from "./htpasswd.ts";
import { serverCertificate } from "./x509.ts";

const NOW = new Date("2026-11-23T12:00:00Z");
const SITE = { name: "cellar", domain: "site2.home.test" };
let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "panopticon-edge-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test("a site's certificate is for the domain and for the site, and kept until it ends or its names change", async () => {
  const first = await ensureEdgeCertificate(dir, "home.test", SITE, NOW);
  const parsed = new X509Certificate(first.certificate);
  expect(parsed.subjectAltName).toBe(
    "DNS:home.test, DNS:*.home.test, DNS:site2.home.test, DNS:*.site2.home.test",
  );
  expect(statSync(join(dir, "site-cellar.pem")).mode & 0o777).toBe(0o600);
  expect(await ensureEdgeCertificate(dir, "home.test", SITE, NOW)).toEqual(first);
  const later = new Date(NOW.getTime() + 340 * 24 * 3600 * 1000);
  const second = await ensureEdgeCertificate(dir, "home.test", SITE, later);
  expect(second).not.toEqual(first);
  expect(
    await ensureEdgeCertificate(dir, "home.test", { ...SITE, domain: "site3.home.test" }, later),
  ).not.toEqual(second);
});

test("who trusts the authority trusts it with the domain alone (openssl)", async () => {
  const authority = await ensureEdgeAuthority(dir, "home.test", new Date());
  const verify = async (names: readonly string[], host: string) => {
    const { certificate } = await serverCertificate(authority, names, 3600, new Date());
    writeFileSync(join(dir, "leaf.crt"), certificate);
    const argv = ["openssl", "verify", "-CAfile", edgeAuthorityFile(dir), "-purpose", "sslserver"];
    return await runProcess([...argv, "-verify_hostname", host, join(dir, "leaf.crt")]);
  };
  expect(await verify(["home.test", "*.home.test"], "app.home.test")).toMatchObject({ code: 0 });
  const stranger = await verify(["bank.example"], "bank.example");
  expect(stranger.code).not.toBe(0);
  expect(stranger.stderr).toContain("permitted subtree violation");
});

test("the credential for panels is made once, is long, and only its owner can read it", async () => {
  const first = await ensurePanelCredential(dir);
  expect(first.password).toMatch(/^[\w-]{32}$/);
  expect(first.line).toMatch(/^operator:\$apr1\$[0-9a-f]{8}\$[./0-9A-Za-z]{22}\n$/);
  expect(first.line).not.toContain(first.password);
  expect(await ensurePanelCredential(dir)).toEqual(first);
  expect(statSync(join(dir, "panels")).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(dir, "panels"), "utf8")).toBe(first.password);
});

test.each(["", "a", "sixteen letters!", "longer than sixteen letters, in words", "ümläut"])(
  "apr1 of %j is what openssl makes of it",
  async (password) => {
    const openssl = await runProcess(["openssl", "passwd", "-apr1", "-salt", "abcdefgh", password]);
    expect(openssl.stdout.trim()).toBe(apr1(password, "abcdefgh"));
  },
);
