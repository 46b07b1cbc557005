import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makePlan } from "#plan/make.ts";
import type { SitePlan } from "#plan/plan.ts";
import { fileOf, server, site } from "#plan/test/federations.ts";
import { agentFile, KEPT_PATH, keptFile, keptPaths, readKept } from "./kept.ts";
import { keyFolders, openKeyring } from "./keyring.ts";

const plan = await makePlan(
  fileOf(
    [site("attic", 1, [server("a")]), site("cellar", 2, [server("b")])].map((each) => ({
      ...each,
      controlplanes: 1,
    })),
  ),
);
const [attic, cellar] = plan.sites as readonly [SitePlan, SitePlan];
const now = () => new Date("2026-11-30T12:00:00Z");

describe("what a site keeps", () => {
  let state: string;
  beforeEach(() => {
    state = mkdtempSync(join(tmpdir(), "panopticon-kept-"));
  });
  afterEach(() => rmSync(state, { recursive: true, force: true }));

  it("is all its machines' keys stand on, and nothing of another site or of the operator", async () => {
    for (const each of plan.sites) {
      const agents = plan.sites.map(({ name }) => ({
        name: agentFile(name),
        subject: { commonName: name, organizations: [] },
      }));
      const keyring = openKeyring(keyFolders(state), plan, each, now, agents);
      await keyring.ensure();
      await keyring.files("ecam");
    }
    const file = await keptFile(state, plan, attic);
    expect(file).toMatchObject({ path: KEPT_PATH, mode: 0o600 });
    const { files, plan: own } = readKept(file.content, "attic-cp-1");
    const paths = Object.keys(files);
    expect(own.sites.map(({ name }) => name)).toEqual(["attic"]);
    const wanted = keptPaths(plan, attic).filter((path) => /^(pki|ssh\/hosts)\//.test(path));
    expect(paths).toEqual(expect.arrayContaining(wanted));
    expect(paths.filter((path) => /cellar(-|\/)|-cellar/.test(path) || path === "ssh/operator")).toEqual([]);
    expect(await keptFile(state, plan, attic)).toEqual(file);
  });

  it("is less where less was made, and still the same each time", async () => {
    const { files, site: of } = readKept((await keptFile(state, plan, cellar)).content, "cellar-cp-1");
    expect(files).toEqual({});
    expect(of).toBe("cellar");
  });

  it.each([
    "",
    "{}",
    '{"version":1,"federation":"a","site":"b","plan":{"version":2},"files":{}}',
    "-----BEGIN PRIVATE KEY-----",
  ])("is refused without a word of its content where it is %j", (text) => {
    expect(() => readKept(text, "attic-cp-1")).toThrow("ADOPT_UNREADABLE");
    expect(() => readKept(text, "attic-cp-1")).not.toThrow("BEGIN");
  });
});
