import { generateKeyPairSync } from "node:crypto";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { worldFailed } from "#base/errors.ts";
import type { OpenOrder, OrderStore } from "#converge/pki/acme.ts";
import { authorityCertificate, type KeyedCertificate, newKeyPair } from "#converge/pki/x509.ts";
import type { Clock } from "#control/runtime/clock.ts";
import type { NameServer } from "#ports/names.ts";
import { issueCertificate, type Job, removeLeftovers } from "./issue.ts";
import { standing } from "./standing.ts";
import { TestAuthority } from "./test/authority.ts";
import { TestNameServer } from "./test/name-server.ts";

const NAMES = ["home.test", "*.home.test", "site1.home.test", "*.site1.home.test"];
const CHALLENGES = ["_acme-challenge.home.test", "_acme-challenge.site1.home.test"];

let signer: KeyedCertificate;
let servers: TestNameServer[];
let authority: TestAuthority;
let notes: string[];
let kept: KeyedCertificate | undefined;
let store: MemoryStore;
/** Calls to the world that are left before the program is "killed"; none is made after that. */
let life: number;

beforeAll(async () => {
  const { privateKey: key } = newKeyPair();
  signer = { key, certificate: await authorityCertificate("test", key, new Date()) };
});
beforeEach(() => {
  servers = ["attic-ecam-1", "attic-ecam-2", "cellar-ecam-1"].map((name) => new TestNameServer(name));
  authority = new TestAuthority(signer, servers);
  notes = [];
  kept = undefined;
  store = new MemoryStore();
  life = Infinity;
});

/** Time that passes when somebody waits, and not else. */
function quickClock(): Clock {
  let now = 0;
  return {
    now: () => now,
    wall: () => new Date(),
    after(milliseconds, call) {
      now += milliseconds;
      for (const server of servers) server.tick(now);
      setImmediate(call);
      return () => undefined;
    },
  };
}

class MemoryStore implements OrderStore {
  text: string | undefined;

  async read(): Promise<OpenOrder | undefined> {
    return this.text === undefined ? undefined : (JSON.parse(this.text) as OpenOrder);
  }

  async write(order: OpenOrder): Promise<void> {
    this.text = JSON.stringify(order);
  }

  async remove(): Promise<void> {
    this.text = undefined;
  }
}

class Killed extends Error {}

/** Whatever reaches the world ends the program once its life is over. */
function mortal<T extends object>(target: T): T {
  return new Proxy(target, {
    get(object, property) {
      const value: unknown = Reflect.get(object, property);
      if (typeof value !== "function") return value;
      return (...args: unknown[]): unknown => {
        if (life-- <= 0) throw new Killed();
        return Reflect.apply(value, object, args) as unknown;
      };
    },
  });
}

function job(more: Partial<Job> = {}): Job {
  const site = (name: string) => ({
    site: name,
    servers: servers.filter((one) => one.name.startsWith(name)).map((one): NameServer => mortal(one)),
  });
  return {
    site: "attic",
    names: NAMES,
    acme: mortal(authority),
    servers: [site("attic"), site("cellar")],
    store: mortal(store),
    keep: mortal({ keep: async (certificate: KeyedCertificate) => void (kept = certificate) }).keep,
    clock: quickClock(),
    emit: (event) =>
      notes.push(`${"subject" in event ? event.subject : ""}: ${"what" in event ? event.what : ""}`),
    seconds: 60,
    ...more,
  };
}

/** Whether a first order comes to its end with so many calls to the world. */
async function endsWithin(calls: number): Promise<boolean> {
  servers = servers.map(({ name }) => new TestNameServer(name));
  authority = new TestAuthority(signer, servers);
  kept = undefined;
  store = new MemoryStore();
  life = calls;
  try {
    await issueCertificate(job());
    return true;
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    return false;
  } finally {
    life = Infinity;
  }
}

function stateNow(): string {
  return standing(kept?.certificate, NAMES, new Date()).state;
}

function texts(): readonly string[] {
  return servers.flatMap((server) => server.all());
}

describe("a certificate by ACME", () => {
  it("is for the names that were ordered; its proofs are at every server when they are looked at, and gone after", async () => {
    await issueCertificate(job());
    expect(stateNow()).toBe("good");
    // Two texts at each name: for itself and for its wildcard.
    expect(authority.seen).toEqual(
      servers.flatMap(({ name }) => CHALLENGES.map((challenge) => `${name} ${challenge} 2`)),
    );
    expect(texts()).toEqual([]);
    expect(store.text).toBeUndefined();
  });

  it("comes though the program is killed at any step, with nothing left at name servers", async () => {
    let step = 0;
    for (; !(await endsWithin(step)); step += 1) {
      await issueCertificate(job());
      expect([step, stateNow()]).toEqual([step, "good"]);
      expect([step, texts(), store.text]).toEqual([step, [], undefined]);
      // An order is gone on with: only one that was not written down yet is made again.
      expect(authority.orders.length).toBeLessThanOrEqual(2);
    }
    expect(step).toBeGreaterThan(30);
  });

  it("leaves no proof of a run that was killed, also where the next one gets no certificate", async () => {
    for (let step = 0; !(await endsWithin(step)); step += 1) {
      authority.refusal = worldFailed("CERTIFICATE_CAA", "forbidden");
      const outcome = await issueCertificate(job()).then(String, String);
      // Killed after it was signed: there is nothing left to refuse.
      expect(outcome).toMatch(/CERTIFICATE_CAA|undefined/);
      expect([step, texts()]).toEqual([step, []]);
    }
  });

  it("takes away what a killed run left where the authority knows nothing of its order any more", async () => {
    servers[2]?.silentUntil(Infinity);
    life = 25;
    await expect(issueCertificate(job())).rejects.toThrow(Killed);
    expect(texts().length).toBeGreaterThan(0);
    life = Infinity;
    servers[2]?.silentUntil(0);
    authority = new TestAuthority(signer, servers, "of another life");
    await issueCertificate(job());
    expect([stateNow(), texts(), store.text]).toEqual(["good", [], undefined]);
  });

  it("leaves other orders' records alone", async () => {
    servers[0]?.put("_acme-challenge.home.test", "of another order");
    const other = job({ site: "cellar", names: ["home.test", "*.home.test"] });
    const store = new MemoryStore();
    await Promise.all([issueCertificate(job()), issueCertificate({ ...other, store })]);
    expect(texts()).toEqual(["_acme-challenge.home.test of another order"]);
  });

  it("waits for a server that is late, and asks the authority no sooner", async () => {
    servers[2]?.silentUntil(20_000);
    await issueCertificate(job());
    expect(authority.seen).toContain("cellar-ecam-1 _acme-challenge.home.test 2");
    expect(authority.tooEarly).toBe(false);
  });

  it("says which server does not show the proof, and takes it away elsewhere", async () => {
    servers[2]?.silentUntil(Infinity);
    await expect(issueCertificate(job())).rejects.toThrow(
      /CERTIFICATE_NOT_VISIBLE cellar-ecam-1 at cellar .* after 60 s: .*NAMES_SILENT|CERTIFICATE_NOT_VISIBLE cellar-ecam-1 at cellar/,
    );
    expect(authority.answered).toBe(0);
    expect(texts()).toEqual([]);
    // It could not be told: what may be there is known, and goes when it is back.
    expect((await store.read())?.proofs.length).toBe(4);
    servers[2]?.silentUntil(0);
    await issueCertificate(job());
    expect(authority.orders.length).toBe(1);
    expect(store.text).toBeUndefined();
  });

  it("does without a silent server where another one of its site answers, and cleans up behind it later", async () => {
    servers[1]?.silentUntil(Infinity);
    await issueCertificate(job());
    expect(notes.join("\n")).toMatch(/attic-ecam-2: silent: passed over/);
    expect(kept).toBeDefined();
    expect((await store.read())?.url).toBeUndefined();
    servers[1]?.silentUntil(0);
    await removeLeftovers(job());
    expect(store.text).toBeUndefined();
  });

  it("fails at once, and cleanly, where a server does not take the key", async () => {
    servers[2]?.refuse(worldFailed("NAMES_KEY", "it does not take the key"));
    // A record that is still on its way elsewhere must not come after all were taken away.
    servers[0]?.slow(20);
    await expect(issueCertificate(job())).rejects.toThrow("NAMES_KEY");
    for (let turn = 0; turn < 50; turn += 1) await new Promise(setImmediate);
    expect(authority.answered).toBe(0);
    expect(texts()).toEqual([]);
  });

  it("tells what the authority found wrong, takes the proofs away and orders anew the next time", async () => {
    authority.disbelieves = "site1.home.test";
    await expect(issueCertificate(job())).rejects.toThrow("CERTIFICATE_PROOF");
    expect(texts()).toEqual([]);
    authority.disbelieves = undefined;
    await issueCertificate(job());
    expect(authority.orders.length).toBe(2);
  });

  it("is refused where it is for another key or other names, and ordered anew the next time", async () => {
    const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    authority.gives = { publicKey };
    await expect(issueCertificate(job())).rejects.toThrow(/CERTIFICATE_WRONG.*another key/);
    authority.gives = { names: ["home.test"] };
    await expect(issueCertificate(job())).rejects.toThrow(/CERTIFICATE_WRONG.*not for/);
    expect(kept).toBeUndefined();
    authority.gives = {};
    await issueCertificate(job());
    expect(authority.orders.length).toBe(3);
  });
});

describe("standing", () => {
  it("is due when a third of the lifetime is left", async () => {
    await issueCertificate(job());
    const from = Date.now();
    const at = (days: number) => standing(kept?.certificate, NAMES, new Date(from + days * 86_400_000)).state;
    expect([at(59), at(61), at(91)]).toEqual(["good", "due", "over"]);
    expect(standing(kept?.certificate, ["home.test"], new Date()).state).toBe("names");
    expect(standing(undefined, NAMES, new Date()).state).toBe("missing");
  });
});
