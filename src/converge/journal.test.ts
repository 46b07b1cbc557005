import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openGate } from "./gate.ts";
import { openJournal } from "./journal.ts";

const at = new Date("2026-11-23T06:00:00Z");
const entry = { site: "attic", phase: "machines", subject: "attic-cp-1", what: "make the machine", at };

describe("the journal", () => {
  const folder = mkdtempSync(join(tmpdir(), "panopticon-journal-"));
  const path = join(folder, "journal.sqlite");
  afterEach(() => rmSync(path, { force: true }));

  it("tells the next run what was under way when this one was killed, once", () => {
    const killed = openJournal(path);
    const done = killed.begin({ ...entry, subject: "attic-ecam-1" });
    killed.end(done, at);
    killed.begin(entry);
    killed.close();
    const next = openJournal(path);
    expect(next.unfinished()).toEqual([entry]);
    next.settle(at);
    expect(next.unfinished()).toEqual([]);
    next.close();
  });

  it("counts a change that failed as ended", async () => {
    const journal = openJournal(path);
    const gate = openGate(
      journal,
      () => undefined,
      () => at,
    );
    const change = { subject: "a", what: "b", apply: () => Promise.reject(new Error("no")) };
    await expect(gate.pass("attic", "machines", change)).rejects.toThrow("no");
    expect(journal.unfinished()).toEqual([]);
    journal.close();
  });
});
