/** What servers keep, over a real sshd that stands for a server's dom0. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { mustRun } from "#base/process.ts";
import { closedGate, openGate } from "#converge/gate.ts";
import { openJournal } from "#converge/journal.ts";
import { keptFile } from "#converge/kept.ts";
import { keyFolders, openKeyring } from "#converge/keyring.ts";
import type { SiteContext } from "#converge/phase.ts";
import { unseal } from "#converge/pki/seal.ts";
import { openSshShell } from "#drivers/ssh/shell.ts";
import { diffPlans } from "#plan/difference.ts";
import { makePlan } from "#plan/make.ts";
import type { SitePlan } from "#plan/plan.ts";
import { fileOf, server, site } from "#plan/test/federations.ts";
import type { Shell } from "#ports/shell.ts";
import { findTool } from "../../test/tools.ts";
import { fetchCopy, keepOnServers, keptOnServer, sealOperator } from "./adopt-servers.ts";
import { planOf, unpackKeys } from "./adopt-state.ts";

const sshd = findTool("sshd");
const lacks = [
  ...(sshd ? [] : ["sshd (Debian package openssh-server)"]),
  ...(process.getuid?.() === 0 ? [] : ["to be root"]),
];
if (lacks.length > 0 && process.env["CI"])
  throw new Error(`the tests of adoption need ${lacks.join(" and ")}`);

const file = fileOf([
  site("attic", 1, [
    server("a", { address: "127.0.0.2" }),
    server("b", { address: "127.0.0.3" }),
    server("c", { address: "127.0.0.9" }),
  ]),
]);
const plan = await makePlan(file);
const attic = plan.sites[0] as SitePlan;
const now = () => new Date("2026-11-30T12:00:00Z");

describe.skipIf(lacks.length > 0)("what servers keep", () => {
  let dir: string;
  let daemon: ChildProcess;
  let shell: Shell;
  const at = (name: string) => join(dir, name);
  const lost = () => join(at("lost"), "panopticon", plan.federation);
  const gate = () =>
    openGate(
      openJournal(":memory:"),
      () => undefined,
      () => new Date(),
    );

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), "panopticon-adopt-"));
    for (const name of ["host", "admin", "stranger"])
      await mustRun("TEST", ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", at(name)]);
    copyFileSync(at("admin.pub"), at("authorized_keys"));
    const port = await freePort();
    const [type, key] = readFileSync(at("host.pub"), "utf8").split(" ");
    const names = ["127.0.0.2", "127.0.0.3", "127.0.0.9"];
    writeFileSync(at("known_hosts"), names.map((name) => `${name} ${type} ${key}\n`).join(""));
    daemon = await startDaemon(dir, port);
    const keys = { keyFile: at("admin"), knownHostsFile: at("known_hosts"), controlDir: at("control") };
    shell = openSshShell({ ...keys, port, addressOf: (address) => address });
    mkdirSync(at("lost"));
    vi.stubEnv("XDG_STATE_HOME", at("lost"));
    await sealOperator(plan.federation, { identity: at("admin") }, () => undefined);
    const keyring = openKeyring(keyFolders(lost()), plan, attic, now);
    await keyring.ensure();
    await keyring.files("ecam");
  });

  afterAll(async () => {
    vi.unstubAllEnvs();
    await shell.close();
    const ended = once(daemon, "exit");
    daemon.kill("SIGKILL");
    await ended;
    rmSync(dir, { recursive: true, force: true });
  });

  /** As much of a context as is used here; its third server is dead. */
  const contextOf = (servers: SitePlan["servers"]): SiteContext =>
    ({
      plan,
      site: { ...attic, servers },
      kept: () => keptFile(lost(), plan, attic),
    }) as unknown as SiteContext;

  it("is said in a dry run, brought once, and readable by root alone", async () => {
    const context = contextOf(attic.servers.slice(0, 2));
    expect(
      await keepOnServers(
        [context],
        shell,
        closedGate(() => undefined),
        at("kept"),
      ),
    ).toBe(2);
    // Both addresses are this box's, so the second finds what the first was brought.
    expect(await keepOnServers([context], shell, gate(), at("kept"))).toBe(1);
    expect(await keepOnServers([context], shell, gate(), at("kept"))).toBe(0);
    const path = keptOnServer(plan.federation, at("kept"));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const secret = readFileSync(join(lost(), "ssh/operator"), "utf8").split("\n")[4] ?? "";
    expect(secret.length).toBeGreaterThan(20);
    expect(readFileSync(path, "utf8").includes(secret)).toBe(false);
  });

  it("builds the state anew, with the person's key alone, though a server is dead", async () => {
    const found = [await fetchCopy(plan.federation, attic, shell, at("kept"))];
    const adopted = planOf(file, found);
    expect(diffPlans(plan, adopted)).toEqual([]);
    mkdirSync(at("fresh"));
    vi.stubEnv("XDG_STATE_HOME", at("fresh"));
    expect(await unpackKeys(adopted, found)).toBeGreaterThan(15);
    expect(await unpackKeys(adopted, found)).toBe(0);
    const fresh = join(at("fresh"), "panopticon", plan.federation);
    const sealed = readFileSync(join(fresh, "ssh/operator.sealed"), "utf8");
    const operator = readFileSync(join(lost(), "ssh/operator"), "utf8");
    expect(await unseal(sealed, at("admin"))).toBe(operator);
    await expect(unseal(sealed, at("stranger"))).rejects.toThrow("ADOPT_SEALED");
    const keyring = openKeyring(keyFolders(fresh), adopted, attic, now);
    writeFileSync(join(fresh, "ssh/operator"), operator, { mode: 0o600 });
    await keyring.ensure();
    const before = openKeyring(keyFolders(lost()), plan, attic, now);
    for (const role of ["ecam", "controlplane", "worker"] as const)
      expect(await keyring.files(role)).toEqual(await before.files(role));
    expect(await keyring.operator()).toEqual(await before.operator());
    for (const { name } of attic.machines) expect(await keyring.ssh(name)).toEqual(await before.ssh(name));
    vi.stubEnv("XDG_STATE_HOME", at("lost"));
  });

  it("is refused where other keys are there, and where nobody has it", async () => {
    const found = [await fetchCopy(plan.federation, attic, shell, at("kept"))];
    vi.stubEnv("XDG_STATE_HOME", at("other"));
    mkdirSync(join(at("other"), "panopticon", plan.federation, "edge"), { recursive: true });
    await openKeyring(
      keyFolders(join(at("other"), "panopticon", plan.federation)),
      plan,
      attic,
      now,
    ).ensure();
    await expect(unpackKeys(plan, found)).rejects.toThrow("ADOPT_STATE_DIFFERS");
    await expect(fetchCopy(plan.federation, attic, shell, at("nothing"))).rejects.toThrow(
      /ADOPT_NOTHING_KEPT .*a keeps none/,
    );
    vi.stubEnv("XDG_STATE_HOME", at("lost"));
  });
});

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, "127.0.0.1");
  await once(listener, "listening");
  const address = listener.address();
  listener.close();
  await once(listener, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** On two addresses of this box; on the third nobody answers. */
async function startDaemon(dir: string, port: number): Promise<ChildProcess> {
  mkdirSync("/run/sshd", { recursive: true, mode: 0o755 }); // Debian's sshd wants it, whatever its config says
  const settings = [
    `Port=${port}`,
    "ListenAddress=127.0.0.2",
    "ListenAddress=127.0.0.3",
    `HostKey="${join(dir, "host")}"`,
    `AuthorizedKeysFile="${join(dir, "authorized_keys")}"`,
    "PidFile=none",
    "StrictModes=no",
    "UsePAM=no",
    `SetEnv=HOME=${dir}`,
  ];
  const options = settings.flatMap((setting) => ["-o", setting]);
  const child = spawn(sshd ?? "sshd", ["-D", "-e", "-f", "/dev/null", ...options], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  await new Promise<void>((resolve, reject) => {
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("127.0.0.2") && said.includes("127.0.0.3")) resolve();
    });
    child.once("exit", () => reject(new Error(said)));
  });
  return child;
}
