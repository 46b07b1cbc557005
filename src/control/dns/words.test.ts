import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ensureVoter } from "#converge/pki/names.ts";
import { STALE_MS } from "./report.ts";
import { openSigner, type Signer } from "./signature.ts";
import { type Said, type Word, Words } from "./words.ts";

const NOW = new Date();
const VOTERS = ["attic", "barn", "cellar"];
const signers = new Map<string, Signer>();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "words-"));
  for (const name of [...VOTERS, "stranger"]) {
    const home = name === "stranger" ? join(folder, "other") : folder;
    const { authority, voter } = await ensureVoter(home, name === "stranger" ? "barn" : name, NOW);
    signers.set(name, openSigner(authority, voter.certificate, voter.key));
  }
});
afterAll(() => rm(folder, { recursive: true }));

function word(voter: string, change: Partial<Said> = {}, by = voter, ageMs = 0): Word {
  const said = { voter, sequence: 1, hears: [], down: [], downServices: {}, ...change };
  return { ...(signers.get(by) as Signer).sign(said), ageMs };
}

function atAttic(): Words {
  return new Words("attic", VOTERS, (one) => (signers.get("attic") as Signer).genuine(one));
}

describe("words", () => {
  it("are passed on with their age, and forgotten when they are old", () => {
    const words = atAttic();
    words.hear("barn", [word("barn", { down: ["x"] }), word("cellar", {}, "cellar", 500)], 1000);
    expect(words.heard(1500)).toEqual(["barn"]);
    expect(words.reports(3000).map(({ voter, ageMs }) => [voter, ageMs])).toEqual([
      ["barn", 2000],
      ["cellar", 2500],
    ]);
    expect(words.heard(9000)).toEqual([]);
    expect(words.reports(1001 + STALE_MS)).toEqual([]);
  });

  it("are news only where they say something else", () => {
    const words = atAttic();
    expect(words.hear("barn", [word("barn")], 0)).toBe(true);
    expect(words.hear("barn", [word("barn", { sequence: 2 })], 1000)).toBe(false);
    expect(words.hear("barn", [word("barn", { sequence: 3, down: ["x"] })], 2000)).toBe(true);
    expect(words.hear("cellar", [word("barn", { sequence: 2 })], 2100)).toBe(false);
    expect(words.reports(2100)).toMatchObject([{ sequence: 3, down: ["x"] }]);
    const hosts = ["app.home.test"];
    expect(words.hear("barn", [word("barn", { sequence: 4, down: ["x"], hosts })], 3000)).toBe(true);
    expect(words.hear("barn", [word("barn", { sequence: 5, down: ["x"], hosts })], 4000)).toBe(false);
  });

  it("count only where the voter itself has signed them with a key of this federation", () => {
    const words = atAttic();
    const forged = { ...word("barn"), said: { ...word("barn").said, down: ["x"] } };
    const noise = { ...word("barn"), certificate: "-----BEGIN CERTIFICATE-----" };
    for (const bad of [
      forged,
      noise,
      word("barn", {}, "cellar"),
      word("barn", {}, "stranger"),
      word("den", {}, "barn"),
    ])
      expect(words.hear("cellar", [bad], 0)).toBe(false);
    expect(words.reports(0)).toEqual([]);
  });

  it("of a process that starts anew count as newer than those before, whatever its clock says", () => {
    const words = atAttic();
    expect(words.nextSequence(100)).toBe(100);
    words.hear("barn", [word("attic", { sequence: 5000 })], 0);
    expect(words.nextSequence(101)).toBe(5001);
    words.hear("barn", [word("attic", { sequence: 9000 }, "barn")], 0);
    expect(words.nextSequence(102)).toBe(5002);
    expect(words.reports(0)).toEqual([]);
  });

  it("of a voter that was silent count again, though its clock went back", () => {
    const words = atAttic();
    words.hear("barn", [word("barn", { sequence: 5000 })], 0);
    expect(words.hear("barn", [word("barn", { sequence: 100 })], 1000)).toBe(false);
    expect(words.hear("barn", [word("barn", { sequence: 101 })], STALE_MS + 1)).toBe(true);
  });
});
