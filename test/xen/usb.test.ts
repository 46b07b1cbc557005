/**
 * `panopticon usb build` as a person uses it, on an emulated server: an image,
 * booted beside one disk that has data and one that is empty, installs the
 * server without a question; what it leaves alone is compared byte for byte.
 */
import { copyFile, mkdtemp, open, readFile, rm, stat, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { mustRun, runProcess } from "#base/process.ts";
import { finish, type Ran, start } from "../journeys/panopticon.ts";
import { BARE, type Bare, type BareOptions, startBare } from "./bare.ts";
import { figure, showFigures } from "./figures.ts";
import { bringPackages } from "./packages.ts";

const FILE = join(import.meta.dirname, "bare-server.yaml");
const NAMESPACE = `panopticon.usb.${process.pid}`;
const DISK_GB = 24;

let folder: string;
let running: Bare | undefined;

const at = (name: string): string => join(folder, name);
const within = ["ip", "netns", "exec", NAMESPACE];

beforeAll(async () => {
  await bringPackages("with sticks");
  folder = await mkdtemp(join(tmpdir(), "xen-usb-"));
  await mustRun("TEST", ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", at("operator")]);
  for (const name of ["full.img", "empty.img", "again.img"]) {
    await (await open(at(name), "w")).close();
    await truncate(at(name), DISK_GB * 1e9);
  }
  await mustRun("TEST", ["mke2fs", "-q", "-F", "-t", "ext4", at("full.img")]);
  await mustRun("TEST", ["cp", "--sparse=always", at("full.img"), at("full.before")]);
  await mustRun("TEST", ["ip", "netns", "add", NAMESPACE]);
  for (const words of [
    "link set lo up",
    `address add ${BARE.address}/32 dev lo`,
    // QEMU passes the sender's address on, and nobody answers a sender that has their own.
    `route replace table local local ${BARE.address} dev lo src 127.0.0.1`,
  ])
    await mustRun("TEST", ["ip", "-n", NAMESPACE, ...words.split(" ")]);
});

afterAll(async () => {
  await running?.stop();
  await runProcess(["ip", "netns", "del", NAMESPACE]);
  if (folder) await rm(folder, { recursive: true, force: true });
  showFigures();
});

const FULL = { serial: "FULL1", bus: "sata" } as const;
const EMPTY = { serial: "EMPTY2", bus: "virtio" } as const;

/** Boots the server with both disks; its own first, since the emulator's BIOS starts from no second one. */
async function boot(name: string, more: Partial<BareOptions> = {}): Promise<Bare> {
  await running?.stop();
  const disks = [
    { ...EMPTY, file: at("empty.img") },
    { ...FULL, file: at("full.img") },
  ];
  running = await startBare({ folder, name, firmware: "bios", disks, namespace: NAMESPACE, ...more });
  return running;
}

const run = (...argv: readonly string[]): Promise<Ran> => finish(start(at("state"), argv, within));

async function expectUntouched(): Promise<void> {
  expect((await runProcess(["cmp", at("full.img"), at("full.before")])).stdout).toBe("");
}

/** One command on the server, by the host key that `usb build` has pinned. */
async function onServer(...argv: readonly string[]): Promise<Ran> {
  const options = ["StrictHostKeyChecking=yes", `UserKnownHostsFile=${at("known_hosts")}`, "BatchMode=yes"];
  const ssh = ["ssh", "-F", "none", "-i", at("operator"), ...options.flatMap((one) => ["-o", one])];
  return runProcess([...within, "timeout", "60", ...ssh, `root@${BARE.address}`, "--", ...argv]);
}

async function answers(what: string, seconds: number): Promise<void> {
  const began = performance.now();
  let last = "";
  while (performance.now() - began < seconds * 1000) {
    const { code, stderr } = await onServer("true");
    if (code === 0) return figure(what, (performance.now() - began) / 1000);
    last = stderr;
    await sleep(1000);
  }
  throw new Error(`${what}: ${last}\n${((await running?.console()) ?? "").slice(-3000)}`);
}

const keys = (): readonly string[] => ["--authorize", at("operator.pub"), "--known-hosts", at("known_hosts")];

/** The command's words for an image of that name. */
function building(out: string, ...flags: readonly string[]): readonly string[] {
  return ["usb", "build", FILE, "--server", "shed/left", "--out", at(out), ...keys(), ...flags];
}

it("makes an image that only its owner can read, and pins the server's key; a dry run makes nothing", async () => {
  // Where its system is still to be built: from within the namespace no archive is reached.
  const first = await finish(start(at("state"), building("first.img")));
  expect(`${first.code} ${first.stderr}`).toMatch(/^0 /);
  await rm(at("known_hosts"));
  const dry = await run(...building("stick.img", "--dry-run"));
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining("nothing was written") });
  await expect(stat(at("stick.img"))).rejects.toThrow("ENOENT");
  const began = performance.now();
  const made = await run(...building("stick.img", "-o", "json"));
  expect(`${made.code} ${made.stderr}`).toMatch(/^0 /);
  figure("a stick's image, its system being there", (performance.now() - began) / 1000);
  const { bytes, fingerprint } = JSON.parse(made.stdout) as { bytes: number; fingerprint: string };
  figure("megabytes of the image (no seconds)", bytes / 1e6);
  expect((await stat(at("stick.img"))).mode & 0o777).toBe(0o600);
  const pinned = await mustRun("TEST", ["ssh-keygen", "-lf", at("known_hosts")]);
  expect(pinned).toContain(` ${fingerprint} ${BARE.address} `);
  expect((await run(...building("first.img"))).code).toBe(0); // an image of ours is replaced
  await writeFile(at("letter.txt"), "dear\n");
  const taken = await run(...building("letter.txt"));
  expect(taken).toMatchObject({ code: 2, stderr: expect.stringContaining("USB_OUT_TAKEN") });
});

it("installs without a question on the empty disk, and leaves the other one as it was", async () => {
  const began = performance.now();
  const server = await boot("install", { stick: at("stick.img") });
  await server.says("panopticon: writing vda", 600);
  figure("from power-on with the stick to the first byte written", (performance.now() - began) / 1000);
  await server.ends(900);
  figure("from power-on with the stick to the restart", (performance.now() - began) / 1000);
  expect(await server.console()).toContain("panopticon: done.");
  await expectUntouched();
});

it("starts from its disk with Xen, lets our key in and shows the key that was pinned", async () => {
  await boot("first");
  await answers("the installed server from power-on to SSH, BIOS", 600);
  expect((await onServer("hostname")).stdout.trim()).toBe("shed-left");
  expect((await onServer("xl", "info", "free_memory")).code).toBe(0);
  expect((await onServer("cat", "/sys/class/net/xenbr0/address")).stdout.trim()).toBe(BARE.mac);
  expect((await onServer("vgs", "--noheadings", "-o", "vg_name")).stdout.trim()).toBe("ssd");
});

it("is fit as it is: `server adopt` finds nothing to mend", async () => {
  const access = ["--identity", at("operator"), "--known-hosts", at("known_hosts")];
  const { code, stdout, stderr } = await run("server", "adopt", BARE.address, ...access, "-o", "json");
  expect(`${code} ${stderr}`).toMatch(/^0 /);
  interface Said {
    readonly ready: boolean;
    readonly block: string;
    readonly findings: readonly { readonly code: string; readonly fix?: object }[];
  }
  const { ready, block, findings } = JSON.parse(stdout) as Said;
  expect(ready).toBe(true);
  expect(findings.filter(({ fix }) => fix !== undefined)).toEqual([]);
  // The emulator has no IOMMU and no time servers; the other disk is not ours.
  const expected = ["SERVER_NO_IOMMU", "SERVER_TIME_UNSURE", "SERVER_DISK_IDLE"];
  expect(findings.map(({ code: one }) => one).filter((one) => !expected.includes(one))).toEqual([]);
  expect(block).toContain(`address: ${BARE.address}`);
  expect(block).toContain("name: ssd");
});

it("writes nothing where the only disk has data, shows it, and says what to do", async () => {
  const server = await boot("refused", {
    stick: at("stick.img"),
    disks: [{ ...FULL, file: at("full.img") }],
  });
  await server.says("Nothing more is done", 600);
  const said = await server.console();
  expect(said).toMatch(/sda {2}24 GB {2}serial FULL1 {2}QEMU HARDDISK: ext4 on the whole disk/);
  expect(said).toContain("nothing is written: ssd: what has that size is not empty: sda");
  await server.stop();
  await expectUntouched();
});

it("begins again where its power was cut", async () => {
  const disks = [{ ...EMPTY, file: at("again.img") }];
  const cut = await boot("cut", { stick: at("stick.img"), disks });
  await cut.says("panopticon: unpacking the system", 600);
  await sleep(5000);
  const server = await boot("again", { stick: at("stick.img"), disks });
  await server.says("an installation that was cut off", 600);
  await server.says("panopticon: unpacking the system", 600);
  expect(await server.console()).toContain("panopticon: writing vda");
  await server.stop();
});

it("starts from its disk under UEFI, too, by way of a stick that was left in", async () => {
  await copyFile(at("known_hosts"), at("known_hosts.kept"));
  const server = await boot("uefi", { firmware: "uefi", stick: at("stick.img") });
  await answers("the installed server from power-on to SSH, UEFI, stick left in", 600);
  expect((await onServer("test", "-d", "/sys/firmware/efi", "-o", "-e", "/proc/xen/capabilities")).code).toBe(
    0,
  );
  expect(await readFile(at("known_hosts"), "utf8")).toBe(await readFile(at("known_hosts.kept"), "utf8"));
  await server.stop();
  await expectUntouched();
});
