import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { parseFederation } from "#model/parse.ts";
import { makePlan } from "#plan/make.ts";
import type { Plan } from "#plan/plan.ts";
import { readText, savePlan } from "./files.ts";
import { findMachines, keepAccess, shellCommand, writeSshConfig } from "./machine-access.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "panopticon-machines-"));
  vi.stubEnv("XDG_STATE_HOME", folder);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

/** The example's plan, as it is kept once it was brought up. */
async function kept(file: string, name?: string): Promise<Plan> {
  const text = await readText(file, "");
  const servers = text.replace("      - name: left\n", "      - name: left\n        address: 10.11.0.2\n");
  const own = name === undefined ? servers : servers.replace(/^name: .*$/m, `name: ${name}`);
  const plan = await makePlan(parseFederation(own, file));
  await savePlan(plan);
  return plan;
}

const names = async (selection: Parameters<typeof findMachines>[0]) =>
  (await findMachines(selection)).map(({ machine }) => machine.name);

it("finds machines by what is said of them, in every federation that was brought up from here", async () => {
  await kept("examples/home.yaml");
  await kept("examples/two-sites.yaml");
  expect(await names({ role: "ecam", site: "attic" })).toEqual(["attic-ecam-1", "attic-ecam-2"]);
  expect(await names({ machines: ["flat-cp-1", "cellar-cp-2"] })).toEqual(["flat-cp-1", "cellar-cp-2"]);
  expect(await names({ federation: "home", role: "ecam" })).toEqual(["flat-ecam-1", "flat-ecam-2"]);
});

it("says which machines there are where one is not, and where to begin where none is", async () => {
  await expect(findMachines({})).rejects.toThrow("panopticon lab up FILE");
  await kept("examples/home.yaml");
  await expect(findMachines({ machines: ["flat-cp-1", "flat-cp-9"] })).rejects.toThrow(
    /MACHINE_UNKNOWN no machine called flat-cp-9 .*\n.*flat-cp-1/,
  );
});

it("asks which federation is meant where two have a machine of that name", async () => {
  await kept("examples/home.yaml");
  await kept("examples/home.yaml", "other");
  await expect(findMachines({ machines: ["flat-cp-1"] })).rejects.toThrow("MACHINE_AMBIGUOUS");
  expect(await names({ machines: ["flat-cp-1"], federation: "other" })).toEqual(["flat-cp-1"]);
});

it("goes straight to machines, or through their servers where apply was told so", async () => {
  const plan = await kept("examples/home.yaml");
  const [found] = await findMachines({ machines: ["flat-ecam-1"] });
  if (!found) throw new Error("the example lost its ECAM");
  const [ssh, , config = "", machine, ...rest] = await shellCommand(found, ["echo", "a b"]);
  expect([ssh, machine, ...rest]).toEqual(["ssh", "flat-ecam-1", "--", "'echo' 'a b'"]);
  const text = await readFile(config, "utf8");
  expect(text).toContain(`Host flat-ecam-1\n  HostName ${found.machine.address}\n`);
  expect(text).not.toContain("ProxyCommand");
  expect((await stat(config)).mode & 0o077).toBe(0);
  await keepAccess(plan.federation, { identity: "/root/.ssh/servers", throughServers: true });
  const through = await readFile(await writeSshConfig(plan), "utf8");
  expect(through).toMatch(
    /Host flat-ecam-1\n.*\n.*\n {2}ProxyCommand 'ssh' .*\/root\/.ssh\/servers.* -W %h:%p -- '?10\.11\.0\.2'?\n/,
  );
});
