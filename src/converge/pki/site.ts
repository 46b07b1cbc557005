/**
 * A site's keys and authorities, made by us before the first `kubeadm init`, so
 * that HAProxy can verify its backends and no join has to fetch certificates.
 * They are kept in the state folder; what exists is read, checked and never made
 * again.
 */
import { X509Certificate, createPrivateKey, createPublicKey } from "node:crypto";
import { join } from "node:path";
import { worldFailed } from "#base/errors.ts";
import type { Role } from "#model/federation.ts";
import type { RenderedFile } from "#render/files.ts";
import { createOnce, readIfThere, replaceFile } from "./store.ts";
import {
  type ClientSubject,
  type KeyedCertificate,
  authorityCertificate,
  clientCertificate,
  newKeyPair,
} from "./x509.ts";

const DAY_MS = 24 * 3600 * 1000;
const CLIENT_VALID_DAYS = 365;
export const CLIENT_RENEW_DAYS = 30;
const BOOTSTRAP_VALID_SECONDS = 3600;

/** All PEM text. */
export interface SitePki {
  readonly site: string;
  readonly cluster: KeyedCertificate;
  readonly etcd: KeyedCertificate;
  readonly frontProxy: KeyedCertificate;
  /** Signs service-account tokens. */
  readonly serviceAccount: { readonly privateKey: string; readonly publicKey: string };
}

/**
 * Reads the site's keys and authorities from `dir`/<site>/ and makes what is
 * missing. Errors: PKI_UNREADABLE (a file that is no such key or certificate),
 * PKI_MISMATCH (a certificate or public key of another private key),
 * PKI_KEY_LOST (a certificate without its key), PKI_STORE (the disk).
 */
export async function ensureSitePki(
  dir: string,
  site: { readonly name: string },
  now: Date,
): Promise<SitePki> {
  const at = (file: string): string => join(dir, site.name, file);
  return {
    site: site.name,
    cluster: await ensureAuthority(at("ca"), "kubernetes", now),
    etcd: await ensureAuthority(at("etcd/ca"), "etcd-ca", now),
    frontProxy: await ensureAuthority(at("front-proxy-ca"), "front-proxy-ca", now),
    serviceAccount: await ensureKeyPair(at("sa")),
  };
}

/** The PKI files a machine of this role must have before kubeadm (or HAProxy) starts. */
export function pkiFiles(pki: SitePki, role: Role): readonly RenderedFile[] {
  const certificate = (path: string, content: string): RenderedFile => ({ path, content, mode: 0o644 });
  const secret = (path: string, content: string): RenderedFile => ({ path, content, mode: 0o600 });
  if (role === "ecam") return [certificate("/etc/panopticon/pki/ca.crt", pki.cluster.certificate)];
  // kubeadm writes a worker's ca.crt when it joins.
  if (role === "worker") return [];
  const folder = "/etc/kubernetes/pki";
  return [
    certificate(`${folder}/ca.crt`, pki.cluster.certificate),
    secret(`${folder}/ca.key`, pki.cluster.key),
    certificate(`${folder}/etcd/ca.crt`, pki.etcd.certificate),
    secret(`${folder}/etcd/ca.key`, pki.etcd.key),
    certificate(`${folder}/front-proxy-ca.crt`, pki.frontProxy.certificate),
    secret(`${folder}/front-proxy-ca.key`, pki.frontProxy.key),
    secret(`${folder}/sa.key`, pki.serviceAccount.privateKey),
    certificate(`${folder}/sa.pub`, pki.serviceAccount.publicKey),
  ];
}

/** The operator's certificate, in the one group that has rights before any role is bound. */
export async function ensureAdminCertificate(
  dir: string,
  pki: SitePki,
  now: Date,
): Promise<KeyedCertificate> {
  const subject = { commonName: "panopticon-admin", organizations: ["system:masters"] };
  return ensureClientCertificate(dir, pki, { name: "admin", subject }, now);
}

/** A client of a site's API whose certificate is kept, in the file `name`.pem. */
export interface KeptClient {
  readonly name: string;
  readonly subject: ClientSubject;
}

/** A client's certificate: a year long, kept in one file with its key, made anew when less than thirty days are left. */
export async function ensureClientCertificate(
  dir: string,
  pki: SitePki,
  client: KeptClient,
  now: Date,
): Promise<KeyedCertificate> {
  const present = await presentClientCertificate(dir, pki, client, now);
  if (present) return present;
  const seconds = (CLIENT_VALID_DAYS * DAY_MS) / 1000;
  const fresh = await clientCertificate(pki.cluster, client.subject, seconds, now);
  await replaceFile(join(dir, pki.site, `${client.name}.pem`), fresh.key + fresh.certificate);
  return fresh;
}

/** The same where it is there and good for thirty days more; nothing is made. */
export async function presentClientCertificate(
  dir: string,
  pki: SitePki,
  { name }: KeptClient,
  now: Date,
): Promise<KeyedCertificate | undefined> {
  const path = join(dir, pki.site, `${name}.pem`);
  const text = await readIfThere(path);
  const present = text === undefined ? undefined : readKeyedCertificate(path, text);
  return present && isGood(present, pki.cluster, now) ? present : undefined;
}

/** What a machine joins with, for an hour: the groups of kubeadm's own bootstrap tokens. */
export async function bootstrapCertificate(pki: SitePki, now: Date): Promise<KeyedCertificate> {
  const subject = {
    commonName: "system:bootstrap:panopticon",
    organizations: ["system:bootstrappers", "system:bootstrappers:kubeadm:default-node-token"],
  };
  return await clientCertificate(pki.cluster, subject, BOOTSTRAP_VALID_SECONDS, now);
}

/** A client of etcd itself, beside the API; etcd asks for no more than its own authority's signature. */
export async function etcdClientCertificate(pki: SitePki, now: Date): Promise<KeyedCertificate> {
  const subject = { commonName: "panopticon-etcd-client", organizations: [] };
  return await clientCertificate(pki.etcd, subject, DAY_MS / 1000, now);
}

/** An authority kept in `path`.key and `path`.crt, made where it lacks; with a `domain` for names of that alone. */
export async function ensureAuthority(
  path: string,
  commonName: string,
  now: Date,
  domain?: string,
): Promise<KeyedCertificate> {
  const [certFile, keyFile] = [`${path}.crt`, `${path}.key`];
  // In this order: who makes both beside us makes the key first.
  if ((await readIfThere(certFile)) !== undefined && (await readIfThere(keyFile)) === undefined) {
    throw worldFailed(
      "PKI_KEY_LOST",
      `${certFile} exists but its key ${keyFile} does not.`,
      "Bring the key back from a backup; a new key would cut off every running machine.",
    );
  }
  // The key comes first: a run killed between the two finds it and certifies the same key.
  const key = (await readIfThere(keyFile)) ?? (await createOnce(keyFile, newKeyPair().privateKey));
  parse(keyFile, "private key", () => createPrivateKey(key));
  const certificate =
    (await readIfThere(certFile)) ??
    (await createOnce(certFile, await authorityCertificate(commonName, key, now, domain)));
  checkPair(certFile, certificate, keyFile, key);
  return { certificate, key };
}

async function ensureKeyPair(path: string): Promise<SitePki["serviceAccount"]> {
  const [keyFile, publicFile] = [`${path}.key`, `${path}.pub`];
  const privateKey = (await readIfThere(keyFile)) ?? (await createOnce(keyFile, newKeyPair().privateKey));
  const own = parse(keyFile, "private key", () => createPublicKey(createPrivateKey(privateKey)));
  const publicKey =
    (await readIfThere(publicFile)) ??
    (await createOnce(publicFile, own.export({ type: "spki", format: "pem" }).toString()));
  if (!parse(publicFile, "public key", () => createPublicKey(publicKey)).equals(own)) {
    throw mismatch(publicFile, keyFile);
  }
  return { privateKey, publicKey };
}

/** A certificate and its key from one file's text; PKI_UNREADABLE or PKI_MISMATCH where it holds no such pair. */
export function readKeyedCertificate(path: string, text: string): KeyedCertificate {
  const start = text.indexOf("-----BEGIN CERTIFICATE-----");
  const pair = { key: text.slice(0, Math.max(start, 0)), certificate: text.slice(Math.max(start, 0)) };
  checkPair(path, pair.certificate, path, pair.key);
  return pair;
}

function checkPair(certFile: string, certificate: string, keyFile: string, key: string): void {
  const parsed = parse(certFile, "certificate", () => new X509Certificate(certificate));
  const own = parse(keyFile, "private key", () => createPrivateKey(key));
  if (!parsed.checkPrivateKey(own)) throw mismatch(certFile, keyFile);
}

/** Whether it is this authority's and good for thirty days more. */
export function isGood(
  client: KeyedCertificate,
  authority: Pick<KeyedCertificate, "certificate">,
  now: Date,
): boolean {
  const certificate = new X509Certificate(client.certificate);
  const ours = certificate.verify(new X509Certificate(authority.certificate).publicKey);
  return ours && certificate.validToDate.getTime() - now.getTime() > CLIENT_RENEW_DAYS * DAY_MS;
}

function parse<T>(path: string, what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw worldFailed(
      "PKI_UNREADABLE",
      `${path} holds no ${what} that can be read.`,
      "Bring the file back from a backup, or move it away if the site is new and nothing runs with it.",
      cause,
    );
  }
}

function mismatch(file: string, keyFile: string): Error {
  return worldFailed(
    "PKI_MISMATCH",
    `${file} does not belong to the private key in ${keyFile}.`,
    "Bring both back from the same backup.",
  );
}
