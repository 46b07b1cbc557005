/**
 * A witness's folder: `identity.json` (its name, address, certificate and key),
 * and `federations/ID.json` for each federation that it votes in: the digest of
 * that one's secret, and what was promised. Every file is replaced as a whole
 * and flushed to the disk before the call returns.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { worldFailed, wrongUse } from "#base/errors.ts";
import type { WitnessState } from "#control/federation/crown/witness.ts";
import { createOnce, privateFolder, readIfThere, replaceFile } from "#converge/pki/store.ts";
import { authorityCertificate, newKeyPair } from "#converge/pki/x509.ts";
import { CREDENTIAL, WITNESS_NAME, type WitnessAccess } from "./file.ts";
import { KNOWN_CROWN, PROMISE } from "./wire.ts";

const IDENTITY = z.object({
  name: z.string().regex(WITNESS_NAME),
  url: z.url({ protocol: /^https$/ }),
  certificate: z.string(),
  key: z.string(),
});

export type WitnessIdentity = z.infer<typeof IDENTITY>;

const RECORD = z.object({
  /** SHA-256 of the credential, in hex. */
  credential: z.string().regex(/^[0-9a-f]{64}$/),
  state: z.object({
    crown: KNOWN_CROWN.exactOptional(),
    promised: PROMISE.exactOptional(),
    givenUp: z.literal(true).exactOptional(),
  }),
});

/**
 * Makes the folder, the witness's identity where there is none yet, and an
 * entry for one more federation. Errors: FEDERATION_WITNESS_URL,
 * FEDERATION_WITNESS_STATE, PKI_STORE.
 * @param deliver hands the secret on; where that fails, the witness will not know it
 */
export async function createWitness(
  folder: string,
  wanted: { readonly name: string; readonly url: string },
  now: Date,
  deliver: (access: WitnessAccess) => Promise<void>,
): Promise<WitnessAccess> {
  const url = checkedUrl(wanted.url);
  if (!WITNESS_NAME.test(wanted.name))
    throw wrongUse(
      "FEDERATION_WITNESS_URL",
      `"${wanted.name}" is no name for a witness`,
      "Use small letters, digits and hyphens, such as --name home.",
    );
  await privateFolder(folder);
  await ownFolder(folder);
  const key = newKeyPair().privateKey;
  const certificate = await authorityCertificate(`panopticon-witness-${wanted.name}`, key, now);
  const made = `${JSON.stringify({ name: wanted.name, url, certificate, key })}\n`;
  const path = join(folder, "identity.json");
  const identity = parsed(IDENTITY, await createOnce(path, made), path);
  if (identity.name !== wanted.name || identity.url !== url)
    throw wrongUse(
      "FEDERATION_WITNESS_URL",
      `${folder} is the witness ${identity.name} at ${identity.url} already`,
      `For one more federation: --name ${identity.name} --url ${identity.url}. For another witness, name another --state.`,
    );
  const id = randomBytes(8).toString("hex");
  const credential = `${id}.${randomBytes(32).toString("base64url")}`;
  const pem = Buffer.from(identity.certificate).toString("base64");
  const access = { witness: { name: identity.name, url, certificate: pem, federation: id }, credential };
  await deliver(access);
  const record = { credential: digest(credential).toString("hex"), state: {} };
  await replaceFile(join(folder, "federations", `${id}.json`), `${JSON.stringify(record)}\n`);
  return access;
}

export interface WitnessStore {
  readonly identity: WitnessIdentity;
  /** Identifiers of the federations that it votes in. */
  federations(): Promise<readonly string[]>;
  /** Whose credential it is; undefined where it is nobody's. */
  authenticate(credential: string): Promise<string | undefined>;
  read(federation: string): Promise<WitnessState>;
  /** Durable when it resolves. */
  write(federation: string, state: WitnessState): Promise<void>;
  close(): void;
}

/** Errors: FEDERATION_WITNESS_STATE, FEDERATION_WITNESS_BUSY where another process has the folder. */
export async function openWitnessStore(folder: string): Promise<WitnessStore> {
  const path = join(folder, "identity.json");
  const text = await readIfThere(path);
  if (text === undefined)
    throw wrongUse(
      "FEDERATION_WITNESS_STATE",
      `${folder} is no witness's folder`,
      "Make one: panopticon witness create --url https://ADDRESS:7443 --out witness.json",
    );
  await ownFolder(folder);
  const identity = parsed(IDENTITY, text, path);
  const lock = exclusive(folder);
  const records = join(folder, "federations");
  const fileOf = (id: string): string => join(records, `${id}.json`);
  const recordOf = async (id: string) => {
    const record = await readIfThere(fileOf(id));
    return record === undefined ? undefined : parsed(RECORD, record, fileOf(id));
  };
  const known = async (id: string) => {
    const record = await recordOf(id);
    if (!record) throw spoilt(fileOf(id), "it is gone");
    return record;
  };
  return {
    identity,
    federations: async () =>
      (await readdir(records)).flatMap((name) => /^([0-9a-f]{16})\.json$/.exec(name)?.[1] ?? []),
    async authenticate(credential) {
      const id = CREDENTIAL.exec(credential)?.[1];
      const record = id === undefined ? undefined : await recordOf(id);
      // An unknown federation takes the same way as a wrong secret.
      const wanted = Buffer.from(record?.credential ?? "0".repeat(64), "hex");
      return timingSafeEqual(wanted, digest(credential)) ? id : undefined;
    },
    read: async (id) => (await known(id)).state,
    async write(id, state) {
      await replaceFile(fileOf(id), `${JSON.stringify({ ...(await known(id)), state })}\n`);
    },
    close: () => lock.close(),
  };
}

async function ownFolder(folder: string): Promise<void> {
  if (((await stat(folder)).mode & 0o077) === 0) return;
  throw wrongUse(
    "FEDERATION_WITNESS_STATE",
    `${folder}, which holds a witness's key, is open to other users`,
    `Close it: chmod 700 ${folder}`,
  );
}

/** Two processes on one folder could both give the vote of a round. The kernel lets the lock go when the process ends, however it does. */
function exclusive(folder: string): DatabaseSync {
  const lock = new DatabaseSync(join(folder, "lock"));
  try {
    lock.exec("BEGIN EXCLUSIVE");
    return lock;
  } catch (cause) {
    lock.close();
    const hint = "End that process first, or name another --state.";
    throw worldFailed("FEDERATION_WITNESS_BUSY", `another witness runs on ${folder}`, hint, cause);
  }
}

function checkedUrl(text: string): string {
  const url = URL.parse(text);
  if (url?.protocol === "https:" && url.pathname === "/" && url.search === "" && url.username === "")
    return url.origin;
  throw wrongUse(
    "FEDERATION_WITNESS_URL",
    `"${text}" is no address of a witness`,
    "Give scheme, host and port as the sites reach it, such as --url https://203.0.113.7:7443.",
  );
}

function parsed<T>(schema: z.ZodType<T>, text: string, file: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw spoilt(file, "it is not as it was written", cause);
  }
}

/** A witness that does not know what it has promised must not vote. */
function spoilt(file: string, why: string, cause?: unknown): Error {
  const hint =
    "Do not put an older copy in its place: that would vote a second time. Make the witness anew (panopticon witness create) and set it in the federation.";
  return worldFailed("FEDERATION_WITNESS_STATE", `${file} can't be used: ${why}`, hint, cause);
}

function digest(credential: string): Buffer {
  return createHash("sha256").update(credential).digest();
}
