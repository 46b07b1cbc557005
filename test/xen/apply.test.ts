/**
 * `panopticon apply` as a person runs it, against a real Xen: from a file to
 * machines that answer, killed and run again, drift and refusals. The command
 * runs in a network namespace in which the server has the file's address.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { cacheDir } from "#app/folders.ts";
import { mustRun, runProcess } from "#base/process.ts";
import { ensureImage } from "#components/guest/image.ts";
import { finish, type Ran, start } from "../journeys/panopticon.ts";
import { DOM0, dom0Image, type Dom0Image } from "./dom0-image.ts";
import { type Dom0, startDom0 } from "./dom0.ts";
import { figure, showFigures } from "./figures.ts";
import { bringPackages } from "./packages.ts";

const FILE = join(import.meta.dirname, "one-server.yaml");
const NAMESPACE = `panopticon.xen.${process.pid}`;
const ECAM = "shed-ecam-1";
const MACHINES = ["shed-cp-1", ECAM];

let folder: string;
let image: Dom0Image;
let dom0: Dom0;

beforeAll(async () => {
  await bringPackages();
  image = await dom0Image(cacheDir());
  // From within the namespace no archive is reached.
  for (const role of ["ecam", "controlplane"] as const) await ensureImage(role, { emit: () => undefined });
  folder = await mkdtemp(join(tmpdir(), "xen-apply-"));
  await mustRun("TEST", ["ip", "netns", "add", NAMESPACE]);
  for (const words of [
    "link set lo up",
    `address add ${DOM0.address}/32 dev lo`,
    // QEMU passes the sender's address on, and nobody answers a sender that has their own.
    `route replace table local local ${DOM0.address} dev lo src 127.0.0.1`,
  ])
    await mustRun("TEST", ["ip", "-n", NAMESPACE, ...words.split(" ")]);
  dom0 = await startDom0({ image, folder, forwards: {}, namespace: NAMESPACE, memoryMiB: 5120 });
  figure("dom0 from power-on to SSH", dom0.bootSeconds);
});

afterAll(async () => {
  await dom0?.stop();
  await runProcess(["ip", "netns", "del", NAMESPACE]);
  if (folder) await rm(folder, { recursive: true, force: true });
  showFigures();
});

const within = ["ip", "netns", "exec", NAMESPACE];

function starts(...argv: readonly string[]) {
  return start(join(folder, "state"), argv, within);
}

const run = (...argv: readonly string[]): Promise<Ran> => finish(starts(...argv));

function applying(...flags: readonly string[]): readonly string[] {
  const access = ["--identity", image.keyFile, "--known-hosts", join(folder, "known_hosts")];
  return ["apply", FILE, "--through-servers", ...access, "--until", "steering", ...flags];
}

/** As far as machines that run as planned and answer. */
function settling(...flags: readonly string[]): readonly string[] {
  return applying("--until", "settings", ...flags);
}

async function onServer(...argv: readonly string[]): Promise<string> {
  const options = [
    "-F",
    "none",
    "-i",
    image.keyFile,
    "-o",
    `UserKnownHostsFile=${join(folder, "known_hosts")}`,
  ];
  const ssh = ["timeout", "300", "ssh", ...options, "-o", "BatchMode=yes", `root@${DOM0.address}`, "--"];
  const { code, stdout, stderr } = await runProcess([...within, ...ssh, ...argv]);
  if (code !== 0) throw new Error(`${argv.join(" ")}: ${stderr}`);
  return stdout;
}

async function domains(): Promise<readonly string[]> {
  const lines = (await onServer("xl", "list")).trim().split("\n").slice(2);
  return lines.map((line) => line.split(/\s+/)[0] ?? "").toSorted();
}

it("adopts the server: its host key is believed once a person says so, what is lacking is said and mended", async () => {
  const identity = ["--identity", image.keyFile, "--known-hosts", join(folder, "known_hosts")];
  const adopt = (...flags: readonly string[]) => run("server", "adopt", DOM0.address, ...identity, ...flags);
  const unknown = await adopt();
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining("SERVER_KEY_UNKNOWN") });
  const fingerprint = /--accept-key (SHA256:\S+)/.exec(unknown.stderr)?.[1] ?? "";
  const pinned = await runProcess(["ssh-keygen", "-lf", join(image.keyFile, "../host.pub")]);
  expect(pinned.stdout).toContain(` ${fingerprint} `);
  expect((await adopt("--accept-key", "SHA256:of-another")).stderr).toContain("SERVER_KEY_OTHER");
  const first = await adopt("--accept-key", fingerprint, "-o", "json");
  const found = JSON.parse(first.stdout) as { findings: { code: string }[] };
  // No volume group, guests that would be saved, no clock that is kept: as the image is.
  expect(found.findings.map(({ code }) => code)).toEqual([
    "SERVER_NO_GROUP",
    "SERVER_SAVES_GUESTS",
    "SERVER_NO_TIME",
    "SERVER_NO_IOMMU",
  ]);
  await onServer("vgcreate", "-q", "ssd", "/dev/vdb");
  const dry = await adopt("--fix", "all", "--dry-run");
  expect(dry.stderr).toContain("would mend SERVER_SAVES_GUESTS");
  const mended = await adopt("--fix", "all", "-o", "json");
  const { findings, block } = JSON.parse(mended.stdout) as { findings: { code: string }[]; block: string };
  expect(findings.map(({ code }) => code)).toEqual(["SERVER_NO_TIME", "SERVER_NO_IOMMU"]);
  expect(block).toContain(`address: ${DOM0.address}`);
  expect(await onServer("cat", "/etc/default/xendomains")).toMatch(/^XENDOMAINS_SAVE=""$/m);
});

it("says what it would do, and does nothing", async () => {
  const { code, stdout, stderr } = await run(...applying("--dry-run"));
  expect(`${code} ${stderr}`).toMatch(/^0 /);
  expect(stderr).toContain(`make the machine on left`);
  expect(stdout).toContain("no server was changed");
  expect(await domains()).toEqual([]);
  expect(await onServer("ls", "/etc")).not.toContain("panopticon");
});

it("goes on where runs were killed, until every machine answers and the ECAM holds the VIP", async () => {
  for (const seconds of [20, 60]) {
    const child = starts(...applying());
    await sleep(seconds * 1000);
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    await finish(child);
  }
  const began = performance.now();
  const { code, stdout, stderr } = await run(...applying("--log", join(folder, "apply.log")));
  expect(`${code} ${stderr.slice(-3000)}`).toMatch(/^0 /);
  expect(stdout).toContain("applied is as planned");
  figure("apply of two machines after two killed runs", (performance.now() - began) / 1000);
  expect(await domains()).toEqual(MACHINES);
});

it("reaches them all by one command", async () => {
  const { code, stdout } = await run("exec", "--all", "-o", "json", "--", "hostname");
  expect(code).toBe(0);
  const { results } = JSON.parse(stdout) as { results: { machine: string; stdout: string }[] };
  const names = Object.fromEntries(results.map((result) => [result.machine, result.stdout.trim()]));
  expect(names).toEqual(Object.fromEntries(MACHINES.map((name) => [name, name])));
  const held = await run("exec", "--role", "ecam", "--", "ip", "-brief", "-4", "address");
  expect(held.stdout).toContain(" 10.11.0.10/");
  expect((await run("exec", "--role", "worker", "--", "true")).stderr).toContain("MACHINE_UNKNOWN");
  const shell = await run("shell", ECAM, "--", "cat", "/etc/hostname");
  expect(shell).toMatchObject({ code: 0, stdout: `${ECAM}\n` });
});

it("mends what was changed by hand without a restart where it can", async () => {
  const began = performance.now();
  await onServer("xl", "mem-set", ECAM, "400");
  const { code, stderr } = await run(...settling());
  expect(code).toBe(0);
  expect(stderr).toContain("Settings of machines: 1 change");
  expect(JSON.parse((await run(...settling("-o", "json"))).stdout)).toMatchObject({ changes: 0 });
  figure("memory changed by hand set back, and seen to be", (performance.now() - began) / 1000);
});

it("refuses a restart that takes the site's only ECAM away, says so before, and does it when told", async () => {
  expect(await run(...settling())).toMatchObject({ code: 0 }); // as the tests before left it
  const file = `/etc/panopticon/xen/applied/${ECAM}.cfg`;
  await onServer("xl", "destroy", ECAM);
  await onServer("sed", "-i", `'s/^on_crash = .*/on_crash = "preserve"/'`, file);
  await onServer("xl", "create", "-q", file);
  const dry = await run(...settling("--dry-run"));
  expect(dry.stderr).toMatch(
    /restart as planned: .* 1 of 1 ECAM of shed away; meanwhile not true: .*--accept-outage/,
  );
  const refused = await run(...settling());
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("APPLY_BREAKS_PROMISE") });
  const began = performance.now();
  const accepted = await run(...settling("--accept-outage"));
  expect(`${accepted.code} ${accepted.stderr.slice(-3000)}`).toMatch(/^0 /);
  figure("the restart, once accepted", (performance.now() - began) / 1000);
  expect(JSON.parse((await run(...settling("-o", "json"))).stdout)).toMatchObject({ changes: 0 });
});

it("has nothing to change after all that: every machine does what it did", async () => {
  const began = performance.now();
  const { code, stdout } = await run(...applying("-o", "json"));
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ changes: 0 });
  figure("apply with nothing to change", (performance.now() - began) / 1000);
});
