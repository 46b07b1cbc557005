/** A witness as a process: what it is asked over TLS, what it keeps, and what it refuses. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { openWitness } from "./client.ts";
import { isSameWitness, readWitnessFile, type WitnessAccess, witnessFileText } from "./file.ts";
import { runWitness } from "./server.ts";
import { createWitness, openWitnessStore } from "./store.ts";

const crown = { epoch: 1001, holder: "attic", endpoints: ["https://127.0.0.1:1"] };
const claim = { crown, site: "barn", epoch: 2002 };

let parent = "";
let folder = "";
let port = 0;
let access: WitnessAccess;
let ends: AbortController;
let running: Promise<void> | undefined;

async function start(at = folder): Promise<void> {
  ends = new AbortController();
  const ready = Promise.withResolvers<void>();
  running = runWitness({ folder: at, listen: "127.0.0.1", port }, () => ready.resolve(), ends.signal);
  await Promise.race([ready.promise, running]);
}

async function end(): Promise<void> {
  ends?.abort();
  await running;
  running = undefined;
}

beforeEach(async () => {
  parent = mkdtempSync(join(tmpdir(), "panopticon-witness-"));
  folder = join(parent, "state");
  port = await freePort();
  access = await make(folder);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await end();
  rmSync(parent, { recursive: true });
});

const make = (at: string, name = "home") =>
  createWitness(at, { name, url: `https://127.0.0.1:${port}` }, new Date(), () => Promise.resolve());

/** As though it had listened for long enough: time is what it is told. */
function later(ms: number): void {
  const now = performance.now();
  vi.spyOn(performance, "now").mockImplementation(() => now + ms);
}

describe("a witness's file", () => {
  it("is read as it was written, and refused without a word of it where it was not", () => {
    const text = witnessFileText(access);
    expect(readWitnessFile(text, "f")).toEqual(access);
    const changed = (change: object) => JSON.stringify({ ...(JSON.parse(text) as object), ...change });
    for (const wrong of [
      "",
      "panopticon-join.abc",
      text.slice(0, -9),
      changed({ credential: "short" }),
      changed({ certificate: "none" }),
      changed({ url: "http://203.0.113.7" }),
      changed({ name: "A B" }),
    ]) {
      expect(() => readWitnessFile(wrong, "f")).toThrow("FEDERATION_WITNESS_FILE");
      expect(() => readWitnessFile(wrong, "f")).not.toThrow(access.credential);
    }
  });
});

describe("a witness's folder", () => {
  it("is its owner's alone, and has no secret of a federation in it", () => {
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    const [record = ""] = readdirSync(join(folder, "federations"));
    expect(statSync(join(folder, "federations", record)).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(folder, "federations", record), "utf8")).not.toContain(access.credential);
  });

  it("keeps one identity, and serves any number of federations", async () => {
    const second = await make(folder);
    expect(second.witness).toEqual({ ...access.witness, federation: second.witness.federation });
    expect([
      isSameWitness(access.witness, access.witness),
      isSameWitness(second.witness, access.witness),
    ]).toEqual([true, false]);
    expect(second.credential).not.toBe(access.credential);
    await expect(make(folder, "other")).rejects.toThrow("FEDERATION_WITNESS_URL");
    await start();
    const given = await openWitness(second).tell(crown);
    expect(given).toMatchObject({ epoch: 1001, holder: "attic" });
    expect(await openWitness(access).tell({ ...crown, epoch: 5001 })).toMatchObject({ epoch: 5001 });
    expect(await openWitness(second).tell(crown)).toMatchObject({ epoch: 1001 });
  });

  it.each(["http://203.0.113.7", "203.0.113.7:7443", "https://203.0.113.7/vote", "https://me@203.0.113.7"])(
    "is not made for %s",
    async (url) => {
      const made = createWitness(join(parent, "no"), { name: "home", url }, new Date(), () =>
        Promise.resolve(),
      );
      await expect(made).rejects.toThrow("FEDERATION_WITNESS_URL");
    },
  );

  it("has one process at a time, and none where it is spoilt, open to others, or none at all", async () => {
    const first = await openWitnessStore(folder);
    await expect(openWitnessStore(folder)).rejects.toThrow("FEDERATION_WITNESS_BUSY");
    first.close();
    (await openWitnessStore(folder)).close();
    chmodSync(folder, 0o755);
    await expect(openWitnessStore(folder)).rejects.toThrow(/FEDERATION_WITNESS_STATE.*chmod 700/s);
    chmodSync(folder, 0o700);
    await expect(openWitnessStore(parent)).rejects.toThrow(/FEDERATION_WITNESS_STATE.*witness create/s);
    const [record = ""] = readdirSync(join(folder, "federations"));
    writeFileSync(join(folder, "federations", record), '{"state":{}}');
    await expect(start()).rejects.toThrow(/FEDERATION_WITNESS_STATE.*older copy/s);
    running = undefined;
  });
});

describe("a witness that runs", () => {
  it("votes once it has listened for long enough, and keeps its word when it is started again", async () => {
    await start();
    const witness = openWitness(access);
    expect(await witness.claim(claim)).toMatchObject({ voter: "witness home", reason: "TooSoon" });
    later(20_000);
    expect(await witness.claim(claim)).toMatchObject({ voter: "witness home", granted: true });
    expect(await witness.claim({ ...claim, site: "cellar", epoch: 2003 })).toMatchObject({
      reason: "PromisedElsewhere",
      epoch: 2002,
    });
    vi.restoreAllMocks();
    await end();
    await start();
    expect(await witness.claim({ ...claim, site: "cellar", epoch: 2003 })).toMatchObject({
      reason: "PromisedElsewhere",
    });
    expect(await witness.claim({ ...claim, site: "attic", epoch: 3001 })).toMatchObject({
      reason: "Unsettled",
    });
    await witness.giveUp({ site: "barn", epoch: 2002 });
    expect(await witness.claim({ ...claim, site: "attic", epoch: 3001 })).toMatchObject({ granted: true });
  });

  it("gives two who ask at once one vote", async () => {
    await start();
    await openWitness(access).tell(crown);
    later(20_000);
    const claims = ["barn", "cellar"].map((site, index) => ({ crown, site, epoch: 2002 + index }));
    const votes = await Promise.all(claims.map((one) => openWitness(access).claim(one)));
    expect(votes.filter(({ granted }) => granted)).toHaveLength(1);
  });

  it("hears a holder that answers anything, and nobody with another site's certificate", async () => {
    await start();
    const witness = openWitness(access);
    // Its own server is as good an API as any: it answers 401.
    const alive = { ...crown, endpoints: [`https://127.0.0.1:${port}`] };
    const heard = { ...alive, caBundle: access.witness.certificate };
    later(20_000);
    expect(await witness.claim({ ...claim, crown: heard })).toMatchObject({ reason: "HolderAlive" });
    const other = (await make(join(parent, "other"))).witness.certificate;
    const stranger = { ...alive, epoch: 3003, holder: "cellar", caBundle: other };
    later(60_000);
    expect(await witness.claim({ crown: stranger, site: "barn", epoch: 4002 })).toMatchObject({
      reason: "TooSoon",
    });
    later(90_000);
    expect(await witness.claim({ crown: stranger, site: "barn", epoch: 5002 })).toMatchObject({
      granted: true,
    });
  });

  it("is refused where it is not the one, does not know the secret, is silent, or is no witness", async () => {
    await start();
    const wrong = access.credential.slice(0, -4) + (access.credential.endsWith("AAAA") ? "BBBB" : "AAAA");
    await expect(openWitness({ ...access, credential: wrong }).tell(crown)).rejects.toThrow(
      "FEDERATION_WITNESS_SECRET",
    );
    const other = await make(join(parent, "other"));
    await expect(openWitness({ ...access, witness: other.witness }).tell(crown)).rejects.toThrow(
      "FEDERATION_WITNESS_CERTIFICATE",
    );
    await expect(openWitness(access).tell({ ...crown, endpoints: [] })).rejects.toThrow(
      /FEDERATION_WITNESS_ANSWER.*400.*endpoints/s,
    );
    await end();
    await expect(openWitness(access).tell(crown)).rejects.toThrow("FEDERATION_WITNESS_SILENT");
  });

  it("says nothing to strangers, reads nothing long, and speaks one language", async () => {
    await start();
    const { credential } = access;
    expect(await raw("/v1/claim", "POST")).toBe(401);
    expect(await raw("/nothing", "GET", "0123456789abcdef.x")).toBe(401);
    expect(await raw("/v1/claim", "GET", credential)).toBe(405);
    expect(await raw("/nothing", "POST", credential)).toBe(404);
    expect(await raw("/v1/claim", "POST", credential, "{")).toBe(400);
    expect(await raw("/v1/claim", "POST", credential, "{}")).toBe(400);
    expect(await raw("/v1/claim", "POST", "../../etc/passwd")).toBe(401);
  });

  it("does not begin on a port that is taken", async () => {
    const taken = createServer().listen(port, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    await expect(start()).rejects.toThrow("CONTROL_PORT");
    running = undefined;
    taken.close();
  });
});

function raw(path: string, method: string, credential?: string, body = ""): Promise<number> {
  const headers = credential === undefined ? {} : { authorization: `Bearer ${credential}` };
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: "127.0.0.1", port, path, method, headers, rejectUnauthorized: false, agent: false },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    asked.once("error", reject);
    asked.end(body);
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port: free } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return free;
}
