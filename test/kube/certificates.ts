/** A plane's own authority, the API server's certificate and the key that signs service accounts' tokens. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "#base/process.ts";
import { authorityCertificate, type KeyedCertificate, newKeyPair } from "#converge/pki/x509.ts";

export interface PlaneCertificates {
  readonly authority: KeyedCertificate;
  /** Paths. */
  readonly authorityFile: string;
  readonly serverFile: string;
  readonly serverKeyFile: string;
  readonly accountsKeyFile: string;
  readonly accountsPublicFile: string;
}

/** Makes them in `dir`; the server's certificate is for 127.0.0.1 and localhost. */
export async function makeCertificates(dir: string): Promise<PlaneCertificates> {
  const path = (name: string): string => join(dir, name);
  const put = (name: string, text: string): string => {
    writeFileSync(path(name), text, { mode: 0o600 });
    return path(name);
  };
  const { privateKey: key } = newKeyPair();
  const authority = { certificate: await authorityCertificate("plane", key, new Date()), key };
  const accounts = newKeyPair();
  const made = {
    authority,
    authorityFile: put("ca.crt", authority.certificate),
    serverFile: path("server.crt"),
    serverKeyFile: path("server.key"),
    accountsKeyFile: put("accounts.key", accounts.privateKey),
    accountsPublicFile: put("accounts.pub", accounts.publicKey),
  };
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2"];
  const files = ["-keyout", made.serverKeyFile, "-out", made.serverFile, "-subj", "/CN=kube-apiserver"];
  const issuer = ["-CA", made.authorityFile, "-CAkey", put("ca.key", key)];
  const extensions = [
    "subjectAltName=IP:127.0.0.1,DNS:localhost",
    "extendedKeyUsage=serverAuth",
    "basicConstraints=critical,CA:FALSE",
  ].flatMap((extension) => ["-addext", extension]);
  await mustRun("TEST_PLANE", ["openssl", "req", "-x509", ...curve, ...files, ...issuer, ...extensions]);
  return made;
}
