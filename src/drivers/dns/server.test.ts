import { createSocket, type Socket } from "node:dgram";
import { Resolver } from "node:dns/promises";
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it, type TestContext } from "vitest";
import { fixturePlan } from "#render/fixture.ts";
import type { RecordSet } from "#ports/names.ts";
import { freePorts } from "../../../test/kube/ports.ts";
import { type Knot, makeKnot, openKnot } from "../../../test/names/knot.ts";
import { needTool } from "../../../test/tools.ts";

const [NXRRSET, NOTAUTH] = [8, 9];

let knot: Knot | undefined;
let port = 0;
const sockets: Socket[] = [];

beforeEach(async () => {
  [port = 0] = await freePorts(1);
});
afterEach(async () => {
  await knot?.remove();
  knot = undefined;
  for (const socket of sockets.splice(0)) socket.close();
});

async function start(context: TestContext): Promise<Knot> {
  const knotd = needTool(context, "knotd");
  const { plan, site } = fixturePlan();
  const listen = [`127.0.0.1@${port}`];
  knot = makeKnot({ knotd, plan, site, machine: "attic-ecam-1", listen });
  await knot.start();
  return knot;
}

async function resolve(name: string): Promise<readonly string[]> {
  const resolver = new Resolver({ timeout: 1000, tries: 2 });
  resolver.setServers([`127.0.0.1:${port}`]);
  return (await resolver.resolve4(name)).toSorted();
}

const set = (name: string, ...values: readonly string[]): RecordSet => ({ name, type: "A", ttl: 5, values });

describe("a real Knot", () => {
  it("takes signed changes all at once, keeps them when it is killed, and begins anew with another file", async (context) => {
    const real = await start(context);
    const server = openKnot(real, port);
    const before = await server.serial();
    const text: RecordSet = {
      name: "_acme-challenge.home.test",
      type: "TXT",
      ttl: 60,
      values: ["x".repeat(300)],
    };
    await server.update({
      replace: [set("home.test", "203.0.113.77", "203.0.113.78"), set("app.home.test", "203.0.113.79"), text],
      remove: [{ name: "*.home.test", type: "A" }],
    });
    const check = async (): Promise<void> => {
      expect(await server.serial()).toBe(before + 1);
      expect(await resolve("home.test")).toEqual(["203.0.113.77", "203.0.113.78"]);
      expect(await resolve("app.home.test")).toEqual(["203.0.113.79"]);
      await expect(resolve("other.home.test")).rejects.toThrow("ENOTFOUND");
      expect(await server.records()).toContainEqual(text);
    };
    await check();
    await real.kill();
    await expect(server.serial()).rejects.toThrow("NAMES_SILENT");
    await real.start();
    await check();
    await server.update({ replace: [], remove: [{ name: "app.home.test", type: "A" }] });
    await expect(resolve("app.home.test")).rejects.toThrow("ENOTFOUND");
    await real.kill();
    // Another plan gives another serial number: the journal goes on from none that is known.
    writeFileSync(
      real.zoneFile,
      readFileSync(real.zoneFile, "utf8").replace(` ${before} `, ` ${before + 9} `),
    );
    await real.start();
    expect(await resolve("home.test")).toEqual(["203.0.113.10"]);
  });

  it("takes single records beside others', and takes them away alone; anybody is answered with them", async (context) => {
    const server = openKnot(await start(context), port);
    const name = "_acme-challenge.home.test";
    const text = (value: string) => ({ name, type: "TXT" as const, ttl: 10, value });
    const change = { replace: [], remove: [] };
    expect(await server.texts(name)).toEqual([]);
    // Two orders at once: whoever loses the race for the zone is told so, and tries again.
    const retried = async (more: object): Promise<void> => {
      for (;;)
        try {
          return await server.update({ ...change, ...more });
        } catch (error) {
          if (!String(error).includes("NAMES_CHANGED")) throw error;
        }
    };
    await Promise.all(["one", "two", "three"].map((value) => retried({ add: [text(value)] })));
    await server.update({ ...change, add: [text("one")] });
    expect([...(await server.texts(name))].toSorted()).toEqual(["one", "three", "two"]);
    await server.update({ ...change, drop: [text("two"), text("never there")] });
    expect([...(await server.texts(name))].toSorted()).toEqual(["one", "three"]);
    await server.update({ ...change, drop: [text("one"), text("three")] });
    expect(await server.texts(name)).toEqual([]);
    // Names beside it are answered by the wildcard as before.
    expect(await resolve("app.home.test")).toEqual(["203.0.113.10"]);
  });

  it("is read whole, however large it has become", async (context) => {
    const server = openKnot(await start(context), port);
    const sets = Array.from({ length: 3000 }, (_, index) => set(`app-${index}.home.test`, "203.0.113.10"));
    for (let at = 0; at < sets.length; at += 500)
      await server.update({ replace: sets.slice(at, at + 500), remove: [] });
    const names = new Set((await server.records()).map(({ name }) => name));
    expect(sets.filter(({ name }) => !names.has(name))).toEqual([]);
  });

  it("refuses a wrong key, another's key and old words; and we say which it was", async (context) => {
    const real = await start(context);
    const change = { replace: [set("home.test", "203.0.113.66")], remove: [] };
    const wrong = { ...real.key, secret: Buffer.alloc(32, "wrong") };
    await expect(openKnot(real, port, { key: wrong }).update(change)).rejects.toThrow(/NAMES_KEY.*BADSIG/);
    const other = { ...real.key, name: "steering.other" };
    await expect(openKnot(real, port, { key: other }).update(change)).rejects.toThrow(/NAMES_KEY.*BADKEY/);
    const late = () => Math.floor(Date.now() / 1000) - 400;
    await expect(openKnot(real, port, { seconds: late }).update(change)).rejects.toThrow("NAMES_CLOCK");
    await expect(
      openKnot(real, port).update({ replace: [set("elsewhere.test", "203.0.113.66")], remove: [] }),
    ).rejects.toThrow(/NAMES_REFUSED.*NOTZONE/);
    expect(await resolve("home.test")).toEqual(["203.0.113.10"]);
  });

  it("gets what was tampered with, and we notice answers that were", async (context) => {
    const real = await start(context);
    const change = { replace: [set("home.test", "203.0.113.66")], remove: [] };
    const toServer = await between(
      port,
      (question) => flip(question, question.indexOf(Buffer.from([203, 0, 113, 66])), 3),
      (all) => all,
    );
    await expect(openKnot(real, toServer).update(change)).rejects.toThrow(/NAMES_KEY.*BADSIG/);
    expect(await resolve("home.test")).toEqual(["203.0.113.10"]);
    const toUs = await between(
      port,
      (all) => all,
      (answer) => flip(answer, answer.length - 10, 0),
    );
    await expect(openKnot(real, toUs).serial()).rejects.toThrow("NAMES_FORGED");
    const unsigned = await between(port, (all) => all, bare);
    await expect(openKnot(real, unsigned).serial()).rejects.toThrow("NAMES_FORGED");
    const noise = await between(
      port,
      (all) => all,
      (answer) => answer.subarray(0, 20),
    );
    await expect(openKnot(real, noise).serial()).rejects.toThrow("NAMES_FORGED");
  });

  it("takes no message a second time, neither at once nor when its time has passed", async (context) => {
    const real = await start(context);
    const seen: Buffer[] = [];
    const keep = (question: Buffer): Buffer => (seen.push(Buffer.from(question)), question);
    const listening = await between(port, keep, (all) => all);
    const old = () => Math.floor(Date.now() / 1000) - 298;
    const change = { replace: [set("home.test", "203.0.113.66")], remove: [] };
    await openKnot(real, listening, { seconds: old }).update(change);
    await openKnot(real, port).update({ replace: [set("home.test", "203.0.113.10")], remove: [] });
    const again = async (): Promise<number> => (await raw(port, seen.at(-1) as Buffer)).readUInt16BE(2) & 0xf;
    expect(await again()).toBe(NXRRSET);
    await sleep(3500);
    expect(await again()).toBe(NOTAUTH);
    expect(await resolve("home.test")).toEqual(["203.0.113.10"]);
  });
});

/** A line that changes what it carries. */
async function between(
  to: number,
  out: (question: Buffer) => Buffer,
  back: (answer: Buffer) => Buffer,
): Promise<number> {
  const socket = createSocket("udp4");
  sockets.push(socket);
  socket.bind(0, "127.0.0.1");
  await new Promise((bound) => socket.once("listening", bound));
  socket.on("message", (question, from) => {
    void raw(to, out(question)).then((answer) => socket.send(back(answer), from.port, from.address));
  });
  return socket.address().port;
}

function raw(to: number, question: Buffer): Promise<Buffer> {
  return new Promise((got) => {
    const socket = createSocket("udp4");
    socket.once("message", (answer) => {
      socket.close();
      got(answer);
    });
    socket.send(question, to, "127.0.0.1");
  });
}

function flip(bytes: Buffer, at: number, offset: number): Buffer {
  if (at < 0) return bytes;
  const changed = Buffer.from(bytes);
  changed[at + offset] = (changed[at + offset] ?? 0) ^ 0xff;
  return changed;
}

/** Without its last record, which is the signature. */
function bare(answer: Buffer): Buffer {
  const cut = Buffer.from(answer.subarray(0, answer.indexOf("\u0008steering\u0005attic", 60, "latin1")));
  cut.writeUInt16BE(answer.readUInt16BE(10) - 1, 10);
  return cut;
}
