import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ensureVoter, namesFiles } from "./names.ts";

const NOW = new Date("2026-11-01T00:00:00Z");

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "names-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

describe("a site's keys for names", () => {
  it("are the same for all its machines, also where they are asked for side by side", async () => {
    const dir = await folder();
    const [first, ...others] = await Promise.all([1, 2, 3].map(() => namesFiles(dir, "attic", "PEM", NOW)));
    for (const other of others) expect(other).toEqual(first);
    expect(await namesFiles(dir, "attic", "PEM", NOW)).toEqual(first);
  });

  it("are another site's own", async () => {
    const dir = await folder();
    const [attic, cellar] = await Promise.all(["attic", "cellar"].map((name) => ensureVoter(dir, name, NOW)));
    expect(attic?.authority).toBe(cellar?.authority);
    expect(attic?.voter.key).not.toBe(cellar?.voter.key);
  });
});
