import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { parseFederation } from "#model/parse.ts";
import { makePlan } from "#plan/make.ts";
import { readText, savePlan } from "./files.ts";
import { claimGround } from "./ground.ts";

const FILE = "examples/home.yaml";
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "panopticon-ground-"));
  vi.stubEnv("XDG_STATE_HOME", folder);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

it("what runs on servers is taken by no lab, before and after its first plan", async () => {
  await claimGround("home", "servers", { claim: true });
  const refused = { problems: [{ code: "LAB_ON_SERVERS" }], exit: 2 };
  await expect(claimGround("home", "lab", { claim: false })).rejects.toMatchObject(refused);
  await expect(claimGround("home", "lab", { claim: true })).rejects.toMatchObject(refused);
  await claimGround("home", "servers", { claim: true });
});

it("a lab that is up is taken by no servers, and one that was only looked at is", async () => {
  const file = parseFederation(await readText(FILE, ""), FILE);
  const { name } = file.federation;
  await claimGround(name, "servers", { claim: false });
  await claimGround(name, "lab", { claim: true });
  await savePlan(await makePlan(file));
  await expect(claimGround(name, "servers", { claim: true })).rejects.toMatchObject({
    problems: [{ code: "APPLY_LAB_IS_UP" }],
  });
  await claimGround(name, "lab", { claim: true });
});
