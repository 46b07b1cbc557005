import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { PanopticonError } from "#base/errors.ts";
import { mustRun, runProcess } from "#base/process.ts";
import { describeShell } from "#ports/shell.suite.ts";
import type { Shell } from "#ports/shell.ts";
import { findTool } from "../../../test/tools.ts";
import { sshConfig } from "./options.ts";
import { type OpenSshSettings, openSshShell } from "./shell.ts";

const sshd = findTool("sshd");
const lacks = [
  ...(sshd ? [] : ["sshd (Debian package openssh-server)"]),
  ...(process.getuid?.() === 0 ? [] : ["to be root"]),
];
if (lacks.length > 0 && process.env["CI"]) throw new Error(`the SSH tests need ${lacks.join(" and ")}`);

let dir: string;
let folder: string;
let port: number;
let daemon: ChildProcess;
let shell: Shell;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

async function newKey(name: string): Promise<string> {
  await mustRun("TEST", ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", join(dir, name)]);
  return (await readFile(join(dir, `${name}.pub`), "utf8")).split(" ").slice(0, 2).join(" ");
}

/** A real sshd in the foreground; gives it back once it answers. */
async function startDaemon(): Promise<ChildProcess> {
  await mkdir("/run/sshd", { recursive: true, mode: 0o755 }); // Debian's sshd wants it, whatever its config says
  const settings = {
    Port: port,
    ListenAddress: "127.0.0.1",
    HostKey: `"${join(dir, "host")}"`,
    AuthorizedKeysFile: `"${join(dir, "authorized_keys")}"`,
    PidFile: "none",
    StrictModes: "no",
    UsePAM: "no",
    SetEnv: `HOME=${folder}`, // or this machine's own .bashrc would run with every command
  };
  const options = Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);
  const child = spawn(sshd ?? "sshd", ["-D", "-e", "-f", "/dev/null", ...options], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  await new Promise<void>((resolve, reject) => {
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("Server listening")) resolve();
    });
    child.once("exit", () => reject(new Error(said)));
  });
  return child;
}

/** One process for each connection. */
async function daemonChildren(): Promise<number[]> {
  const { stdout } = await runProcess(["ps", "-o", "pid=", "--ppid", String(daemon.pid)]);
  return stdout.split("\n").map(Number).filter(Boolean);
}

/** Ends the daemon with all its connections, as a machine's death would. */
async function killDaemon(): Promise<void> {
  const ended = once(daemon, "exit");
  for (const pid of await daemonChildren()) process.kill(pid, "SIGKILL");
  daemon.kill("SIGKILL");
  await ended;
}

function open(changes: Partial<OpenSshSettings> = {}): Shell {
  return openSshShell({
    keyFile: join(dir, "operator"),
    knownHostsFile: join(dir, "known_hosts"),
    port,
    addressOf: (machine) => (machine === "nowhere" ? "127.0.0.99" : "127.0.0.1"),
    controlDir: join(dir, "control"),
    ...changes,
  });
}

/** A shell of the test's own; gives what `use` failed with. */
async function failure(changes: Partial<OpenSshSettings>, machine: string): Promise<unknown> {
  const own = open(changes);
  try {
    return await own.run(machine, ["true"]).then(
      () => undefined,
      (error: PanopticonError) => error.problems[0]?.code,
    );
  } finally {
    await own.close();
  }
}

async function setUp(): Promise<void> {
  // A space in the path: what a person's home folder may have.
  dir = await mkdtemp(join(tmpdir(), "ssh test-"));
  folder = await mkdtemp(join(tmpdir(), "ssh-files-"));
  port = await freePort();
  const [host, operator] = [await newKey("host"), await newKey("operator")];
  const [impostor] = [await newKey("impostor"), await newKey("stranger")];
  await writeFile(join(dir, "authorized_keys"), `${operator}\n`);
  await writeFile(join(dir, "known_hosts"), `cp-1,cp-2,nowhere ${host}\nreplaced ${impostor}\n`);
  daemon = await startDaemon();
  shell = open();
}

async function tearDown(): Promise<void> {
  await shell.close();
  await killDaemon();
  await rm(dir, { recursive: true });
  await rm(folder, { recursive: true });
}

const reason = lacks.length > 0 ? ` (skipped: needs ${lacks.join(" and ")})` : "";
describe.skipIf(lacks.length > 0)(`OpenSSH${reason}`, () => {
  beforeAll(setUp);
  afterAll(tearDown);

  describeShell("OpenSSH", () => ({ shell, machine: "cp-1", absent: "nowhere", folder }));

  it("shares one connection per machine among its commands", async () => {
    const own = open();
    const before = (await daemonChildren()).length;
    await Promise.all(Array.from({ length: 20 }, () => own.run("cp-1", ["true"])));
    await own.run("cp-2", ["true"]);
    expect((await daemonChildren()).length - before).toBe(2);
    await own.close();
  });

  it("leaves no socket behind when it is closed, and opens again when it is asked", async () => {
    const controlDir = join(dir, "own control");
    const own = open({ controlDir });
    await own.run("cp-1", ["true"]);
    expect(await readdir(controlDir)).toHaveLength(1);
    await own.close();
    expect(await readdir(controlDir)).toEqual([]);
    expect((await own.run("cp-1", ["true"])).code).toBe(0);
    await own.close();
  });

  it("believes no other host key, none unknown, and tells it from silence", async () => {
    expect(await failure({}, "replaced")).toBe("SSH_HOST_KEY_MISMATCH");
    expect(await failure({}, "unheard-of")).toBe("SSH_HOST_KEY_MISMATCH");
    expect(await failure({}, "nowhere")).toBe("SSH_UNREACHABLE");
    expect(await failure({ keyFile: join(dir, "stranger") }, "cp-1")).toBe("SSH_DENIED");
  });

  it("goes through another machine, which is believed no more than the one behind it", async () => {
    const knownHostsFile = join(dir, "known%hosts");
    await copyFile(join(dir, "known_hosts"), knownHostsFile);
    const identity = { keyFile: join(dir, "operator"), knownHostsFile, port };
    const through = (name: string) => ({ jumpTo: () => ({ identity, name, address: "127.0.0.1" }) });
    const before = (await daemonChildren()).length;
    const own = open(through("cp-2"));
    expect(await own.run("cp-1", ["echo", "$1 %h"])).toMatchObject({ code: 0, stdout: "$1 %h\n" });
    expect((await daemonChildren()).length - before).toBe(2);
    await own.close();
    expect(await failure(through("replaced"), "cp-1")).toBe("SSH_HOST_KEY_MISMATCH");
    expect(await failure(through("cp-2"), "replaced")).toBe("SSH_HOST_KEY_MISMATCH");
  });

  it("refuses a folder for its sockets that others can use, or whose path is too long", async () => {
    const controlDir = join(dir, "open control");
    await mkdir(controlDir);
    await chmod(controlDir, 0o755);
    expect(await failure({ controlDir }, "cp-1")).toBe("SSH_CONTROL_DIR");
    expect(await failure({ controlDir: join(dir, "long".repeat(20)) }, "cp-1")).toBe("SSH_CONTROL_DIR");
  });

  it("finds a machine again that died and came back", async () => {
    const own = open();
    await own.run("cp-1", ["true"]);
    await killDaemon();
    await expect(own.run("cp-1", ["true"])).rejects.toMatchObject({
      problems: [{ code: "SSH_UNREACHABLE" }],
    });
    daemon = await startDaemon();
    expect(await own.run("cp-1", ["echo", "back"])).toEqual({ code: 0, stdout: "back\n", stderr: "" });
    // Dead and back between two commands: the second one finds the connection dead before it starts.
    await killDaemon();
    daemon = await startDaemon();
    expect(await own.run("cp-1", ["echo", "again"])).toEqual({ code: 0, stdout: "again\n", stderr: "" });
    await own.close();
  });

  it("does not run a command twice when the machine dies under it", async () => {
    const own = open();
    const log = join(folder, "runs");
    const work = own.run("cp-1", ["sh", "-c", 'echo started >> "$1"; sleep 60', "sh", log]);
    const failed = work.then(
      () => undefined,
      (error: PanopticonError) => error.problems[0]?.code,
    );
    await vi.waitFor(async () => expect(await readFile(log, "utf8")).toBe("started\n"), { timeout: 10_000 });
    await killDaemon();
    daemon = await startDaemon();
    expect(await failed).toBe("SSH_CONNECTION_LOST");
    expect(await readFile(log, "utf8")).toBe("started\n");
    await own.close();
  });

  it("gives a person a configuration that works as it is", async () => {
    const file = join(dir, "config");
    const identity = { keyFile: join(dir, "operator"), knownHostsFile: join(dir, "known_hosts"), port };
    const machines = ["cp-1", "replaced"].map((name) => ({ name, address: "127.0.0.1" }));
    await writeFile(file, sshConfig(identity, machines));
    expect(await runProcess(["ssh", "-F", file, "cp-1", "echo in"])).toMatchObject({
      code: 0,
      stdout: "in\n",
    });
    expect((await runProcess(["ssh", "-F", file, "-o", "BatchMode=yes", "replaced", "true"])).code).toBe(255);
  });
});
