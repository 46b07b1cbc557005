/** The installer's own scripts, run as they are on a stick: what is on each disk, and which one is written. */
import { mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { mustRun, runProcess } from "#base/process.ts";
import { installerPath } from "#components/server/scripts.ts";
import type { Server, Site } from "#model/federation.ts";
import { parseFederation } from "#model/parse.ts";
import { serverId, type Stick, stickFiles } from "#render/usb/stick.ts";

const GB = 1e9;
const STICK_ID = "99999999-0000-4000-8000-000000000000";
const SIZE = { systemMiB: 16_384, overheadMiB: 272 };

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "usb-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A stick for a server with these disks, as a person writes them. */
function stickFor(disks: string, overwrite = false): Stick {
  const { federation } = parseFederation(
    `{kind: Federation, apiVersion: panopticon/v1, name: home, domain: home.test, crown: flat, sites: [
      {name: flat, controlplanes: 1, network: {lan: 10.11.0.0/24, gateway: 10.11.0.1, external: 203.0.113.1},
       servers: [{name: left, address: 10.11.0.2, cpus: 8, memory: 32GiB, disks: ${disks}}]}]}`,
    "home.yaml",
  );
  const site = federation.sites[0] as Site;
  return { federation: "home", site, server: site.servers[0] as Server, id: STICK_ID, overwrite };
}

function wantedOf(stick: Stick): string {
  return stickFiles(stick, SIZE).find(({ path }) => path === "/panopticon/wanted")?.content ?? "";
}

const OURS = serverId(stickFor("[{name: ssd, size: 500GB}]"));

/** A line of the list: `sda 500 empty`, with serial `S-sda` unless another is given. */
function disk(name: string, gigabytes: number, state: string, serial = `S-${name}`): string {
  return `disk|${name}|${gigabytes * GB}|${serial}|Model|${state}|${state === "data" ? "ext4 on the whole disk" : state}`;
}

async function choose(stick: Stick, ...list: readonly string[]): Promise<string> {
  const [wanted, listed] = [join(folder, "wanted"), join(folder, "list")];
  await writeFile(wanted, wantedOf(stick));
  await writeFile(listed, list.map((line) => `${line}\n`).join(""));
  const { code, stdout, stderr } = await runProcess(["sh", installerPath("choose.sh"), wanted, listed]);
  expect(stderr).toBe("");
  expect(code).toBe(stdout.startsWith("refuse|") ? 1 : 0);
  return stdout.trim();
}

describe("a disk that the file names by its size alone", () => {
  const stick = stickFor("[{name: ssd, size: 480GB}]");

  it("is the only empty one of that size", async () => {
    expect(await choose(stick, disk("sda", 500, "empty"))).toBe("system|ssd|sda");
    expect(await choose(stick, disk("sda", 500, "data"), disk("sdb", 500, "empty"))).toBe("system|ssd|sdb");
    expect(await choose(stick, disk("sda", 2000, "empty"), disk("nvme0n1", 480, "empty"))).toBe(
      "system|ssd|nvme0n1",
    );
  });

  it.each([
    ["data on the only one", [disk("sda", 500, "data")], /not empty: sda \(ext4 on the whole disk\).*serial/],
    ["two empty ones", [disk("sda", 500, "empty"), disk("sdb", 512, "empty")], /sda .*sdb .*serial/],
    ["another size", [disk("sda", 250, "empty"), disk("sdb", 2000, "empty")], /no disk has that size/],
    ["a server of ours that is whole", [disk("sda", 500, `done:${OURS}:x`)], /not empty/],
    ["somebody else's half installation", [disk("sda", 500, "begun:other")], /not empty/],
    ["the stick", [disk("sda", 500, "stick")], /not empty/],
    ["what can be pulled out", [disk("sda", 500, "loose")], /not empty/],
    [
      "a group of that name elsewhere",
      [disk("sda", 500, "empty"), disk("sdb", 90, "data"), "group|ssd|sdb"],
      /group of that name/,
    ],
    ["no disk", [], /no disk has that size/],
  ])("is none: %s", async (_what, list, why) => {
    const said = await choose(stick, ...list);
    expect(said).toMatch(/^refuse\|ssd: /);
    expect(said).toMatch(why);
  });

  it("is the one on which we were cut off, whatever else is empty", async () => {
    const begun = disk("sdb", 500, `begun:${OURS}`);
    expect(await choose(stick, disk("sda", 500, "empty"), begun)).toBe("system|ssd|sdb");
    expect(await choose(stick, begun, "group|ssd|sdb")).toBe("system|ssd|sdb");
  });

  it("is never one that another disk of the file is named by", async () => {
    const both = stickFor("[{name: ssd, size: 480GB}, {name: fast, size: 480GB, serial: S-sda}]");
    expect(await choose(both, disk("sda", 500, "empty"), disk("sdb", 500, "empty"))).toBe(
      "system|ssd|sdb\ngroup|fast|sda",
    );
  });
});

describe("a disk that the file names by its serial", () => {
  const disks = '[{name: ssd, size: 480GB, serial: "WD-1.2 3"}]';

  it("is that one, of whatever size, and no one that only looks like it", async () => {
    const list = [disk("sda", 480, "empty", "WD-1x2 3"), disk("sdb", 900, "empty", "WD-1.2 3")];
    expect(await choose(stickFor(disks), ...list)).toBe("system|ssd|sdb");
  });

  it.each([
    ["is not there", [disk("sda", 480, "empty")], /no disk has the serial WD-1.2 3/],
    [
      "is there twice",
      [disk("sda", 480, "empty", "WD-1.2 3"), disk("sdb", 480, "empty", "WD-1.2 3")],
      /more than one/,
    ],
    ["holds data", [disk("sda", 480, "data", "WD-1.2 3")], /ext4 on the whole disk.*--overwrite/],
    ["is too small", [disk("sda", 10, "empty", "WD-1.2 3")], /too small for the system, which takes 17 GiB/],
  ])("is refused where it %s", async (_what, list, why) => {
    expect(await choose(stickFor(disks), ...list)).toMatch(why);
  });

  it("is overwritten only by a stick that was built to, and not by the same one again", async () => {
    const stick = stickFor(disks, true);
    expect(await choose(stick, disk("sda", 480, "data", "WD-1.2 3"))).toBe("system|ssd|sda");
    expect(await choose(stick, disk("sda", 480, `done:${OURS}:other`, "WD-1.2 3"))).toBe("system|ssd|sda");
    expect(await choose(stick, disk("sda", 480, `done:${OURS}:${STICK_ID}`, "WD-1.2 3"))).toMatch(
      /^refuse\|.*this very stick/,
    );
    expect(await choose(stick, disk("sda", 480, "stick", "WD-1.2 3"))).toMatch(/^refuse\|.*is this stick/);
  });
});

it("gives the file's other disks a group where they are empty, keeps one that is there, and leaves the rest", async () => {
  const stick = stickFor("[{name: ssd, size: 480GB}, {name: hdd, size: 4TB}, {name: old, size: 2TB}]");
  const list = [disk("sda", 500, "empty"), disk("sdb", 4000, "empty"), disk("sdc", 2000, "data")];
  expect((await choose(stick, ...list)).split("\n")).toEqual([
    "system|ssd|sda",
    "group|hdd|sdb",
    expect.stringMatching(/^left\|old\|.*not empty: sdc/),
  ]);
  expect(await choose(stick, ...list, "group|old|sdc")).toContain("kept|old|sdc");
});

describe("looking at disks", () => {
  const MARK = 2040 * 512;

  /** A disk as the kernel shows one, with these bytes on it. */
  async function put(
    name: string,
    at: Readonly<Record<number, string>> = {},
    removable = 0,
  ): Promise<string> {
    const [sys, dev] = [join(folder, "sys/block", name), join(folder, "dev")];
    await mkdir(sys, { recursive: true });
    await mkdir(dev, { recursive: true });
    const bytes = 64 * 2 ** 30;
    for (const [file, value] of [
      ["size", bytes / 512],
      ["ro", 0],
      ["removable", removable],
    ] as const)
      await writeFile(join(sys, file), `${value}\n`);
    const path = join(dev, name);
    await writeFile(path, "");
    await truncate(path, bytes);
    for (const [offset, text] of Object.entries(at)) {
      const dd = ["dd", `of=${path}`, "bs=1", `seek=${offset}`, "conv=notrunc", "status=none"];
      await mustRun("TEST", dd, Buffer.from(text, "latin1"));
    }
    return path;
  }

  /** State and words by disk, as look.sh tells them; what needs a real disk says nothing here. */
  async function look(stick = "none"): Promise<Record<string, string>> {
    const bin = join(folder, "bin");
    await mkdir(bin, { recursive: true });
    for (const name of ["lsblk", "lvm"])
      await writeFile(join(bin, name), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    const env = [`SYS=${join(folder, "sys")}`, `DEV=${join(folder, "dev")}`];
    const path = `PATH=${bin}:/usr/sbin:/sbin:${process.env["PATH"]}`;
    const said = await mustRun("TEST", ["env", ...env, path, "sh", installerPath("look.sh"), stick]);
    return Object.fromEntries(
      said
        .trim()
        .split("\n")
        .map((line) => line.split("|"))
        .map(([, name = "", , , , state = "", words = ""]) => [name, `${state}: ${words}`]),
    );
  }

  it("tells an empty one from one with data, named by a signature or not", async () => {
    await put("sda");
    await mustRun("TEST", ["/sbin/mke2fs", "-q", "-F", "-t", "ext4", await put("sdb"), "8M"]);
    await put("sdc", { 510: "\x55\xaa", 450: "\x83\0\0\0\0\x08\0\0\0\x08\0" }); // a table of one partition
    await put("sdd", { [2 ** 20 - 10]: "x" });
    await put("sde", { [64 * 2 ** 30 - 1]: "x" });
    await put("sdf", { [65_536 * (Math.floor(2 ** 20 / 31) * 7)]: "" });
    await put("sdg", {}, 1);
    await put("loop0");
    expect(await look(join(folder, "dev/sdf"))).toEqual({
      sda: "empty: empty",
      sdb: "data: ext4 on the whole disk",
      sdc: "data: a dos table",
      sdd: "data: data that no signature names",
      sde: "data: data that no signature names",
      sdf: "stick: this stick",
      sdg: "loose: empty, but it can be pulled out",
    });
  });

  it("knows our own installation that was cut off, as long as nobody made another table there", async () => {
    const mark = `panopticon-usb begun ${OURS} ${STICK_ID}\n`;
    await put("sda", { [MARK]: mark });
    await put("sdb", { [MARK]: mark, 510: "\x55\xaa", 450: "\x83\0\0\0\0\x08\0\0\0\x08\0" });
    await put("sdc", { [MARK]: mark.replace("begun", "done") });
    expect(await look()).toEqual({
      sda: `begun:${OURS}: an installation that was cut off`,
      sdb: "data: a dos table",
      sdc: "data: data that no signature names",
    });
  });
});
