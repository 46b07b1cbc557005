import { mkdtemp, readFile, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { mustRun } from "#base/process.ts";
import { ensureSshKeys, knownHosts } from "./ssh.ts";

const MACHINES = ["attic-ecam-1", "attic-cp-1", "attic-cp-2", "attic-cp-3", "attic-worker-1"];

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "keys-"));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

describe("ensureSshKeys", () => {
  it("makes one private key per machine and leaves nothing else behind", async () => {
    const keys = await ensureSshKeys(dir, MACHINES);
    expect(new Set([...keys.hosts.values(), keys.operator].map(({ publicKey }) => publicKey)).size).toBe(6);
    const files = (await readdir(dir, { recursive: true })).sort();
    const expected = MACHINES.flatMap((name) => [`hosts/${name}`, `hosts/${name}.pub`]);
    expect(files).toEqual([...expected, "hosts", "operator", "operator.pub"].sort());
    expect((await stat(keys.operator.file)).mode & 0o777).toBe(0o600);
    expect(keys.hosts.get("attic-cp-1")?.publicKey).toMatch(/^ssh-ed25519 \S+ attic-cp-1$/);
  });

  it("gives the same keys again, also to runs at the same time and after a kill between the two files", async () => {
    const [first, second] = await Promise.all([ensureSshKeys(dir, MACHINES), ensureSshKeys(dir, MACHINES)]);
    await rm(join(dir, "operator.pub"));
    const third = await ensureSshKeys(dir, MACHINES);
    expect(second).toEqual(first);
    expect(third.operator.publicKey).toBe(first.operator.publicKey);
  });

  it("names a key file that cannot be read and leaves it alone", async () => {
    await ensureSshKeys(dir, []);
    await rm(join(dir, "operator.pub"));
    await writeFile(join(dir, "operator"), "torn");
    await expect(ensureSshKeys(dir, [])).rejects.toThrow(join(dir, "operator"));
    expect(await readFile(join(dir, "operator"), "utf8")).toBe("torn");
  });
});

describe("knownHosts", () => {
  it("pins a machine by name and by address, as ssh-keygen -F finds it", async () => {
    const keys = await ensureSshKeys(dir, ["attic-cp-1", "attic-cp-2"]);
    const file = join(dir, "known_hosts");
    const machines = [
      { name: "attic-cp-1", address: "10.11.0.11" },
      { name: "attic-cp-2", address: "10.11.0.12" },
    ];
    await writeFile(file, knownHosts(keys, machines));
    const pinned = keys.hosts.get("attic-cp-2")?.publicKey.split(" ")[1];
    for (const host of ["attic-cp-2", "10.11.0.12"]) {
      expect(await mustRun("TEST", ["ssh-keygen", "-F", host, "-f", file])).toContain(pinned);
    }
  });

  it("is an error for a machine without a key", async () => {
    const keys = await ensureSshKeys(dir, []);
    expect(() => knownHosts(keys, [{ name: "shed-cp-1", address: "10.0.0.1" }])).toThrow("shed-cp-1");
  });
});
