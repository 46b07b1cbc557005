import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { acmeFolder, keepAcmeCertificate } from "#converge/pki/acme.ts";
import { edgeNames } from "#converge/pki/edge.ts";
import {
  authorityCertificate,
  type KeyedCertificate,
  newKeyPair,
  serverCertificate,
} from "#converge/pki/x509.ts";
import { fixturePlan } from "#render/fixture.ts";
import { servedCertificate } from "./edge-certificate.ts";
import { edgeFolder } from "./edge-folder.ts";

const DAY_SECONDS = 86_400;
const NOW = new Date("2026-11-23T12:00:00Z");
const later = (days: number) => new Date(NOW.getTime() + days * DAY_SECONDS * 1000);
const { plan: bare, site } = fixturePlan();
const acme = { directory: "https://acme.example/dir", email: "me@home.test" };
const plan = { ...bare, acme };
let home: string;
let given: KeyedCertificate;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), "panopticon-edge-"));
  vi.stubEnv("XDG_STATE_HOME", home);
  const { privateKey: key } = newKeyPair();
  const authority = { key, certificate: await authorityCertificate("public", key, NOW) };
  given = await serverCertificate(authority, edgeNames(plan.domain, site), 90 * DAY_SECONDS, NOW);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(home, { recursive: true, force: true });
});

it("is our own authority's until the other one has given one, and again when that has run out", async () => {
  const own = await servedCertificate(plan, site, NOW, true);
  expect(own).toBeDefined();
  await keepAcmeCertificate(acmeFolder(edgeFolder(plan), acme.directory), site.name, given);
  expect(await servedCertificate(plan, site, NOW, false)).toEqual(given);
  // Due, but good: users take it as long as it lasts.
  expect(await servedCertificate(plan, site, later(89), false)).toEqual(given);
  expect(await servedCertificate(plan, site, later(91), false)).toEqual(own);
});

it("is our own where the file names another authority by now, or none, or the site has other names", async () => {
  await keepAcmeCertificate(acmeFolder(edgeFolder(plan), acme.directory), site.name, given);
  const own = await servedCertificate(bare, site, NOW, true);
  expect(own).not.toEqual(given);
  const other = { ...plan, acme: { ...acme, directory: "https://other.example/dir" } };
  expect(await servedCertificate(other, site, NOW, false)).toEqual(own);
  const moved = { ...site, domain: "site2.home.test" };
  expect(await servedCertificate(plan, moved, NOW, false)).toBeUndefined();
});
