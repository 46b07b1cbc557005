import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { demandDeath, serverAnswers } from "./dead.ts";
import { openRecords } from "./record.ts";

const ORDER = { site: "attic", old: "left", fresh: "spare" };
const heard = { says: "attic-cp-1 answers at 10.1.0.21, port 22", sure: false };
const known = { says: "attic-cp-1 runs", sure: true };

describe("a server", () => {
  it("is dead where nothing speaks against it", () => {
    expect(() => demandDeath(ORDER, [], { switchedOff: false })).not.toThrow();
  });

  it("lives where anything answers, unless a person says that somebody else has its address", () => {
    expect(() => demandDeath(ORDER, [heard], { switchedOff: false })).toThrow("SERVER_REPLACE_LIVES");
    expect(() => demandDeath(ORDER, [heard], { switchedOff: true })).not.toThrow();
  });

  it("lives, whatever a person says, where one of its machines is known for sure", () => {
    expect(() => demandDeath(ORDER, [heard, known], { switchedOff: true })).toThrow("attic-cp-1 runs");
  });

  it("is asked only where its address is known", async () => {
    const reaches = async (address: string) => address === "10.1.0.2";
    expect(await serverAnswers("left", "10.1.0.2", reaches)).toHaveLength(1);
    expect(await serverAnswers("left", "10.1.0.3", reaches)).toEqual([]);
    expect(await serverAnswers("left", undefined, async () => true)).toEqual([]);
  });
});

it("what is under way is written down until it has ended", async () => {
  const folder = mkdtempSync(join(tmpdir(), "panopticon-replace-"));
  const records = openRecords(folder);
  expect(await records.read()).toBeUndefined();
  const record = { ...ORDER, machines: ["attic-cp-1"], cleared: [], oldAddress: "10.1.0.2" };
  await records.write(record);
  expect(await openRecords(folder).read()).toEqual(record);
  await records.remove();
  expect(await records.read()).toBeUndefined();
  rmSync(folder, { recursive: true });
});
