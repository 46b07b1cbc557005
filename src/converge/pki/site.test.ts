import { X509Certificate, createPrivateKey } from "node:crypto";
import { mkdtemp, mkdir, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PanopticonError } from "#base/errors.ts";
import { runProcess } from "#base/process.ts";
import { bootstrapCertificate, ensureAdminCertificate, ensureSitePki, pkiFiles } from "./site.ts";
import { needTool } from "../../../test/tools.ts";

const KUBEADM_CONFIG = `apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint: {advertiseAddress: 10.11.0.11}
nodeRegistration: {name: attic-cp-1}
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.3
encryptionAlgorithm: ECDSA-P256
controlPlaneEndpoint: 10.11.0.5:6443
`;
const NOW = new Date("2026-11-23T12:00:00Z");
const DAY_MS = 24 * 3600 * 1000;
const SITE = { name: "attic" };

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "pki-"));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    if (!(error instanceof PanopticonError)) throw error;
    return error.problems[0]?.code;
  }
}

async function openssl(...args: string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await runProcess(["openssl", ...args]);
  return { code, text: stdout + stderr };
}

describe("ensureSitePki", () => {
  it("makes the authorities kubeadm would make", async () => {
    const pki = await ensureSitePki(dir, SITE, NOW);
    const names = [pki.cluster, pki.etcd, pki.frontProxy].map(
      ({ certificate }) => new X509Certificate(certificate).subject,
    );
    expect(names).toEqual(["CN=kubernetes", "CN=etcd-ca", "CN=front-proxy-ca"]);
    const certificate = new X509Certificate(pki.cluster.certificate);
    expect(certificate.ca).toBe(true);
    expect(certificate.validFromDate).toEqual(new Date("2026-11-23T11:55:00Z"));
    expect(certificate.validToDate.getTime() - NOW.getTime()).toBe(3650 * DAY_MS);
    const { text } = await openssl("x509", "-in", join(dir, "attic/ca.crt"), "-noout", "-text");
    expect(text).toMatch(/Key Usage: critical\s+Digital Signature, Key Encipherment, Certificate Sign/);
    expect(text).toContain("Subject Key Identifier");
    expect(text).toContain("prime256v1");
    expect(text).toContain("ecdsa-with-SHA256");
    expect(text).toContain("DNS:kubernetes");
  });

  it("keeps everything readable by its owner only", async () => {
    await ensureSitePki(dir, SITE, NOW);
    await ensureAdminCertificate(dir, await ensureSitePki(dir, SITE, NOW), NOW);
    const names = await readdir(dir, { recursive: true });
    expect(names.filter((name) => name.includes("/.") || name.startsWith("."))).toEqual([]);
    for (const name of names) {
      const { mode } = await stat(join(dir, name));
      expect([name, (mode & 0o777).toString(8)]).toEqual([
        name,
        name === "attic" || name === "attic/etcd" ? "700" : "600",
      ]);
    }
  });

  it("gives the same keys again, also to runs at the same time", async () => {
    const runs = await Promise.all(Array.from({ length: 8 }, () => ensureSitePki(dir, SITE, NOW)));
    const later = await ensureSitePki(dir, SITE, new Date(NOW.getTime() + DAY_MS));
    for (const run of runs) expect(run).toEqual(later);
  });

  it("certifies the key that a killed run left behind", async () => {
    const first = await ensureSitePki(dir, SITE, NOW);
    await rm(join(dir, "attic/ca.crt"));
    const second = await ensureSitePki(dir, SITE, NOW);
    expect(second.cluster.key).toBe(first.cluster.key);
    expect(
      new X509Certificate(second.cluster.certificate).checkPrivateKey(createPrivateKey(first.cluster.key)),
    ).toBe(true);
  });

  it.each([
    ["ca.crt", "PKI_UNREADABLE"],
    ["etcd/ca.key", "PKI_UNREADABLE"],
    ["sa.key", "PKI_UNREADABLE"],
    ["sa.pub", "PKI_UNREADABLE"],
  ])("names %s where it cannot be parsed and leaves it alone", async (file, code) => {
    await ensureSitePki(dir, SITE, NOW);
    const path = join(dir, "attic", file);
    const torn = (await readFile(path, "utf8")).slice(0, 60);
    await writeFile(path, torn);
    const work = ensureSitePki(dir, SITE, NOW);
    await expect(work).rejects.toThrow(path);
    expect(await codeOf(work)).toBe(code);
    expect(await readFile(path, "utf8")).toBe(torn);
  });

  it("refuses a certificate of another key, and one whose key is gone", async () => {
    await ensureSitePki(dir, SITE, NOW);
    const other = await ensureSitePki(dir, { name: "cellar" }, NOW);
    await writeFile(join(dir, "attic/ca.crt"), other.cluster.certificate);
    expect(await codeOf(ensureSitePki(dir, SITE, NOW))).toBe("PKI_MISMATCH");
    await rm(join(dir, "attic/ca.key"));
    expect(await codeOf(ensureSitePki(dir, SITE, NOW))).toBe("PKI_KEY_LOST");
    await writeFile(
      join(dir, "cellar/sa.pub"),
      (await ensureSitePki(dir, { name: "shed" }, NOW)).serviceAccount.publicKey,
    );
    expect(await codeOf(ensureSitePki(dir, { name: "cellar" }, NOW))).toBe("PKI_MISMATCH");
  });

  it("says which folder it could not write", async () => {
    await writeFile(join(dir, "attic"), "a file where the folder should be");
    const work = ensureSitePki(dir, SITE, NOW);
    await expect(work).rejects.toThrow(join(dir, "attic"));
    expect(await codeOf(work)).toBe("PKI_STORE");
  });
});

describe("client certificates", () => {
  it("verify against the site's authority and no other, as clients only", async () => {
    const pki = await ensureSitePki(dir, SITE, new Date());
    const other = await ensureSitePki(dir, { name: "cellar" }, new Date());
    const admin = await ensureAdminCertificate(dir, pki, new Date());
    const file = join(dir, "client.crt");
    await writeFile(file, admin.certificate);
    const verify = (authority: string, purpose: string): Promise<{ code: number; text: string }> =>
      openssl("verify", "-x509_strict", "-purpose", purpose, "-CAfile", join(dir, authority, "ca.crt"), file);
    expect(await verify("attic", "sslclient")).toMatchObject({ code: 0 });
    expect((await verify("attic", "sslserver")).code).not.toBe(0);
    expect((await verify(other.site, "sslclient")).code).not.toBe(0);
  });

  it("names the bootstrap user, its groups and its hour", async () => {
    const pki = await ensureSitePki(dir, SITE, NOW);
    const certificate = new X509Certificate((await bootstrapCertificate(pki, NOW)).certificate);
    expect(certificate.subject.split("\n")).toEqual([
      "CN=system:bootstrap:panopticon",
      "O=system:bootstrappers",
      "O=system:bootstrappers:kubeadm:default-node-token",
    ]);
    expect(certificate.validFromDate).toEqual(new Date("2026-11-23T11:55:00Z"));
    expect(certificate.validToDate).toEqual(new Date("2026-11-23T13:00:00Z"));
    expect(certificate.ca).toBe(false);
  });

  it("renews the operator's when less than thirty days are left, or the authority is another", async () => {
    const pki = await ensureSitePki(dir, SITE, NOW);
    const first = await ensureAdminCertificate(dir, pki, NOW);
    const after = (days: number): Date => new Date(NOW.getTime() + days * DAY_MS);
    expect(await ensureAdminCertificate(dir, pki, after(334))).toEqual(first);
    const second = await ensureAdminCertificate(dir, pki, after(336));
    expect(second.certificate).not.toBe(first.certificate);
    expect(await ensureAdminCertificate(dir, pki, after(336))).toEqual(second);
    const other = await ensureSitePki(dir, { name: "cellar" }, NOW);
    const third = await ensureAdminCertificate(dir, { ...other, site: "attic" }, after(336));
    expect(third.certificate).not.toBe(second.certificate);
  });

  it("refuses a torn file instead of replacing it", async () => {
    const pki = await ensureSitePki(dir, SITE, NOW);
    await writeFile(join(dir, "attic/admin.pem"), "-----BEGIN");
    expect(await codeOf(ensureAdminCertificate(dir, pki, NOW))).toBe("PKI_UNREADABLE");
  });
});

describe("pkiFiles", () => {
  it("gives control planes everything, ECAMs the authority's certificate, workers nothing", async () => {
    const pki = await ensureSitePki(dir, SITE, NOW);
    const listing = (role: "ecam" | "controlplane" | "worker"): string[] =>
      pkiFiles(pki, role).map(({ path, mode }) => `${mode.toString(8)} ${path}`);
    expect(listing("worker")).toEqual([]);
    expect(listing("ecam")).toEqual(["644 /etc/panopticon/pki/ca.crt"]);
    expect(listing("controlplane")).toEqual([
      "644 /etc/kubernetes/pki/ca.crt",
      "600 /etc/kubernetes/pki/ca.key",
      "644 /etc/kubernetes/pki/etcd/ca.crt",
      "600 /etc/kubernetes/pki/etcd/ca.key",
      "644 /etc/kubernetes/pki/front-proxy-ca.crt",
      "600 /etc/kubernetes/pki/front-proxy-ca.key",
      "600 /etc/kubernetes/pki/sa.key",
      "644 /etc/kubernetes/pki/sa.pub",
    ]);
    for (const { path, content, mode } of pkiFiles(pki, "ecam").concat(pkiFiles(pki, "controlplane"))) {
      expect([path, content.includes("PRIVATE KEY")]).toEqual([path, mode === 0o600]);
    }
  });

  it("is what kubeadm takes as its own and signs its leaves with", async (context) => {
    const kubeadm = needTool(context, "kubeadm");
    const pki = await ensureSitePki(dir, SITE, new Date());
    const folder = join(dir, "machine");
    const placed = new Map(
      pkiFiles(pki, "controlplane").map(({ path, content }) => [
        path.replace("/etc/kubernetes/pki", folder),
        content,
      ]),
    );
    for (const [path, content] of placed) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, content);
    }
    const config = join(dir, "kubeadm.yaml");
    await writeFile(config, `${KUBEADM_CONFIG}certificatesDir: ${folder}\n`);
    const made = await runProcess([kubeadm, "init", "phase", "certs", "all", "--config", config]);
    expect(made).toMatchObject({ code: 0 });
    for (const [path, content] of placed) expect(await readFile(path, "utf8")).toBe(content);
    const authorities = {
      "apiserver.crt": "ca",
      "etcd/peer.crt": "etcd/ca",
      "front-proxy-client.crt": "front-proxy-ca",
    };
    for (const [leaf, authority] of Object.entries(authorities)) {
      const authorityFile = join(folder, `${authority}.crt`);
      expect(await openssl("verify", "-CAfile", authorityFile, join(folder, leaf))).toMatchObject({
        code: 0,
      });
    }
  });
});
