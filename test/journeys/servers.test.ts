/**
 * Commands on many servers, over real SSH. The servers are recorded: they show
 * what a real dom0 printed, and no Xen runs. Quick, beside the other journeys.
 */
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runProcess } from "#base/process.ts";
import type { Apart } from "../servers/recording.ts";
import { DRY_RUN, dryRun, everyOneDrifted } from "../servers/dry-run.ts";
import { DOOR_ADDRESS, lacking, openRecordedServers, type RecordedServers } from "../servers/ground.ts";

const lacks = lacking();
if (lacks.length > 0 && process.env["CI"]) throw new Error(`the servers' tests need ${lacks.join(" and ")}`);
const reason = lacks.length > 0 ? ` (skipped: needs ${lacks.join(" and ")})` : "";

describe.skipIf(lacks.length > 0)(`servers${reason}`, () => {
  describe("asked by a dry run of apply", () => {
    it.each([1, 3, 10])(
      "%i of them: one connection each, commands that do not grow with their number",
      async (servers) => {
        const ground = await openRecordedServers({ servers, apart: everyOneDrifted(servers) });
        try {
          const { connections, commands, most } = await dryRun(ground);
          // Ground, machines, what differs, machines again, and who is away: whatever the number of changes.
          expect({ connections, commands }).toEqual({ connections: servers, commands: 5 * servers });
          expect(most).toBeLessThanOrEqual(8);
        } finally {
          await ground.close();
        }
      },
    );
  });

  describe("told by status", () => {
    let ground: RecordedServers;

    beforeAll(async () => {
      ground = await openRecordedServers({ servers: 4 });
    });
    afterAll(() => ground.close());

    const status = async (...words: readonly string[]) => {
      const { code, stdout, stderr } = await ground.run(["status", ...words]);
      return { code, stdout, stderr };
    };
    /** What each machine is, and how it differs, in words. */
    const machines = (json: string): Readonly<Record<string, readonly string[]>> =>
      Object.fromEntries(
        JSON.parse(json).servers.flatMap(
          (server: {
            machines: { name: string; state: string; differences: { where: string; what: string }[] }[];
          }) =>
            server.machines.map(({ name, state, differences }) => [
              name,
              [state, ...differences.map(({ where, what }) => `${where}: ${what}`)],
            ]),
        ),
      );

    it("are well where all runs as planned, though no kubeconfig leads to their cluster", async () => {
      const { code, stdout } = await status();
      expect(stdout).toContain(
        "shed/server-1  10.5.0.2  well   1200 MiB  2596 of 4095 MiB  3 of 3 run as planned",
      );
      expect(stdout).toContain("Of clusters nothing is known: ");
      expect(stdout.trimEnd().endsWith("\nAll is well.")).toBe(true);
      expect(code).toBe(0);
    });

    it("are unwell where something is not: each state told apart, each difference in words", async () => {
      const apart = {
        "shed-ecam-1": { vcpus: 3, targetMiB: 200 },
        "shed-cp-1": { state: "crashed" },
        "shed-cp-2": { state: "off" },
        "shed-cp-3": { state: "ended" },
        "shed-worker-1": { rootGiB: 20 },
      } as const;
      for (const name of ["server-1", "server-2", "server-3"]) {
        const { printed, files } = ground.recording(name, apart);
        await ground.sshds.get(name)?.print(printed);
        await ground.sshds.get(name)?.write(files);
      }
      await ground.sshds.get("server-2")?.remove("/etc/xen/auto/shed-ecam-2.cfg");
      await ground.sshds.get("server-3")?.remove("/etc/panopticon/xen/recorded/shed-worker-3.cfg");
      await ground.sshds.get("server-4")?.kill();
      const { code, stdout } = await status("-o", "json");
      expect(code).toBe(1);
      expect(machines(stdout)).toEqual({
        "shed-cp-1": ["crashed"],
        "shed-cp-2": ["stopped"],
        "shed-cp-3": ["crashed"],
        "shed-ecam-1": [
          "running",
          "domain: memory: 200 MiB, planned 512 MiB",
          "domain: processors: 3, planned 1",
        ],
        "shed-ecam-2": ["running", "autostart: does not start when its server boots"],
        "shed-ecam-3": ["running"],
        "shed-worker-1": [
          "running",
          "disk: disk root: 20 GiB, planned 40 GiB (its file system grows when it next boots)",
        ],
        "shed-worker-2": ["running"],
        "shed-worker-3": ["running", "file: its configuration file is not there"],
      });
      expect(JSON.parse(stdout)).toMatchObject({ well: false, clusters: [{ code: "KUBECONFIG_STORE" }] });
      expect(JSON.parse(stdout).servers[3]).toMatchObject({
        name: "server-4",
        trouble: { code: "SSH_UNREACHABLE" },
        well: false,
      });
      expect((await status()).stdout).toContain("10.5.0.5 does not answer: ");
    });

    it("are compared with a file that is named, and a site that is not there is refused", async () => {
      expect((await status(ground.file, "--site", "shed")).code).toBe(1);
      expect(await status(ground.file, "--site", "nope")).toMatchObject({
        code: 2,
        stderr: expect.stringContaining("FEDERATION_SITE_UNKNOWN") as string,
      });
    });
  });

  describe("with a machine of another size than planned", () => {
    let ground: RecordedServers;
    const CONFIG = "/etc/panopticon/xen/recorded";

    beforeAll(async () => {
      ground = await openRecordedServers({ servers: 2 });
    });
    afterAll(() => ground.close());

    /** Shows this, and once each of these verbs was given, that; gives what was called to mend the machine. */
    const mend = async (machine: string, apart: Apart, after: Readonly<Record<string, Apart>>) => {
      const sshd = ground.sshds.get("server-1");
      const printed = (how: Apart) => ground.recording("server-1", { [machine]: how }).printed;
      for (const [verb, how] of Object.entries(after)) await sshd?.printAfter(verb, printed(how));
      await sshd?.print(printed(apart));
      const before = (await sshd?.calls())?.length;
      const outcome = await ground.mend(machine);
      return { ...outcome, calls: (await sshd?.calls())?.slice(before) };
    };

    it("set its memory in place, where it may have as much", async () => {
      expect(await mend("shed-ecam-1", { targetMiB: 200 }, { "mem-set": {} })).toEqual({
        left: [],
        calls: ["xl mem-set 1 512"],
      });
    });

    it("restart it in order for processors, and for more memory than it may have", async () => {
      for (const apart of [{ vcpus: 2 }, { memoryMiB: 256 }]) {
        const after = { shutdown: { state: "off" }, create: {} } as const;
        expect(await mend("shed-ecam-1", apart, after)).toEqual({
          left: [],
          calls: ["xl shutdown -w 1", `xl create -q ${CONFIG}/shed-ecam-1.cfg`],
        });
      }
    });

    it("say in a dry run that it is a restart, and what that means", async () => {
      const apart = { "shed-ecam-1": { memoryMiB: 256 } };
      await ground.sshds.get("server-1")?.print(ground.recording("server-1", apart).printed);
      const access = ["--identity", ground.identity, "--known-hosts", ground.knownHosts];
      const { code, stderr } = await ground.run(["apply", ground.file, ...DRY_RUN, ...access]);
      expect(code).toBe(0);
      expect(stderr).toContain(
        "would change shed-ecam-1: restart as planned: memory: 256 MiB, planned 512 MiB; most memory: 256 MiB, planned 512 MiB — 1 of 2 ECAMs of shed away",
      );
    });

    it("let its disk grow, where the group has room", async () => {
      const grown = await mend("shed-worker-1", { rootGiB: 20 }, { lvextend: {} });
      expect(grown).toEqual({
        left: [],
        calls: ["lvextend -qq -L 40g ssd/recorded.shed-worker-1.root"],
      });
      const tooLarge = await mend("shed-worker-1", { rootGiB: 20, freeMiB: 100 }, {});
      expect(tooLarge).toEqual({ refused: "XEN_NO_SPACE", calls: [] });
    });

    it("never make a disk smaller, and say why before anything is touched", async () => {
      const apart = { "shed-worker-1": { rootGiB: 90 } };
      await ground.sshds.get("server-1")?.print(ground.recording("server-1", apart).printed);
      const access = ["--identity", ground.identity, "--known-hosts", ground.knownHosts];
      const { code, stderr } = await ground.run(["apply", ground.file, ...DRY_RUN, ...access]);
      expect(code).toBe(1);
      expect(stderr).toContain(
        "XEN_DISK_SHRINKS shed-worker-1 of shed: disk root: 90 GiB, planned 40 GiB, and a disk is never made smaller.",
      );
    });
  });

  describe("behind a door", () => {
    let ground: RecordedServers;
    const failures = (json: string): readonly string[] =>
      JSON.parse(json).servers.map(
        (server: { trouble?: { code: string } }) => server.trouble?.code ?? "seen",
      );
    const statusFrom = async (where: "outside" | undefined, ...words: readonly string[]) =>
      failures((await ground.run(["status", "-o", "json", ...words], where)).stdout);
    const pinDoor = (hostKey: string) => appendFile(ground.knownHosts, `${ground.door.name} ${hostKey}\n`);
    const known = () => readFile(ground.knownHosts, "utf8");

    beforeAll(async () => {
      ground = await openRecordedServers({ servers: 3, more: `\n    jump: ${DOOR_ADDRESS}` });
    });
    afterAll(() => ground.close());

    it("are not entered while the door's own key is unknown, or another one's", async () => {
      const refused = Array.from({ length: 3 }, () => "SSH_HOST_KEY_MISMATCH");
      expect(await statusFrom("outside")).toEqual(refused);
      const before = await known();
      await pinDoor(ground.sshds.get("server-1")?.hostKey ?? "");
      expect(await statusFrom("outside")).toEqual(refused);
      await writeFile(ground.knownHosts, before);
      expect(ground.door.asked.connections).toBe(0);
      expect((await ground.run(["status"], "outside")).stdout).toContain(ground.door.name);
    });

    it("are adopted through it: its key first, then the server's, each when a person accepts it", async () => {
      const knownHosts = `${ground.knownHosts}-of-another`;
      const adopt = (...accepted: readonly string[]) =>
        ground.run(
          [
            ...["server", "adopt", "10.5.0.2", "--jump", DOOR_ADDRESS, "--identity", ground.identity],
            ...["--known-hosts", knownHosts, ...accepted.flatMap((key) => ["--accept-key", key])],
          ],
          "outside",
        );
      const shown = async (...accepted: readonly string[]) => {
        const { code, stderr } = await adopt(...accepted);
        const [, host = "", key = ""] = /has no host key of (\S+), which shows (\S+)\.\n/.exec(stderr) ?? [];
        return { code, host, key };
      };
      const door = await shown();
      expect(door).toMatchObject({ code: 2, host: ground.door.name });
      const server = await shown(door.key);
      expect(server).toMatchObject({ code: 2, host: "10.5.0.2" });
      const { stdout } = await adopt(server.key);
      expect(stdout).toContain("(SERVER_");
      expect((await readFile(knownHosts, "utf8")).split("\n")).toEqual([
        `${ground.door.name} ${ground.door.sshd.hostKey}`,
        `10.5.0.2 ${ground.sshds.get("server-1")?.hostKey}`,
        "",
      ]);
      expect((await ground.run(["server", "adopt", "10.5.0.2", "--jump", "-oProxyCommand=x@y"])).code).toBe(
        2,
      );
    });

    it("are reached through it, with one connection each, and believed no more for it", async () => {
      await pinDoor(ground.door.sshd.hostKey);
      Object.assign(ground.asked, { connections: 0 });
      Object.assign(ground.door.asked, { connections: 0 });
      const access = ["--identity", ground.identity, "--known-hosts", ground.knownHosts];
      const { code, stdout } = await ground.run(["apply", ground.file, ...DRY_RUN, ...access], "outside");
      expect({ code, stdout }).toEqual({ code: 0, stdout: "Nothing would be changed.\n" });
      expect(ground.asked.connections).toBe(3);
      expect(ground.door.asked.connections).toBe(3);
      const before = await known();
      await writeFile(
        ground.knownHosts,
        before.replace(/^10\.5\.0\.2 .*$/m, `10.5.0.2 ${ground.door.sshd.hostKey}`),
      );
      expect(await statusFrom("outside")).toEqual(["SSH_HOST_KEY_MISMATCH", "seen", "seen"]);
      await writeFile(ground.knownHosts, before);
    });

    it("are reached straight from inside, when that is said", async () => {
      Object.assign(ground.door.asked, { connections: 0 });
      expect(await statusFrom(undefined, "--direct")).toEqual(["seen", "seen", "seen"]);
      expect(ground.door.asked.connections).toBe(0);
      expect(await statusFrom("outside", "--direct")).toEqual(
        Array.from({ length: 3 }, () => "SSH_UNREACHABLE"),
      );
    });

    it.each([
      ["the door", false],
      ["the door and then their server", true],
    ])("have their machines behind %s", async (_way, throughServers) => {
      await ground.keepAccess({ throughServers });
      Object.assign(ground.asked, { connections: 0 });
      const exec = await ground.run(["exec", "--machine", "shed-cp-1", "--", "echo", "in"], "outside");
      expect(exec).toMatchObject({ code: 0, stdout: "shed-cp-1  in\n" });
      expect(ground.asked.connections).toBe(throughServers ? 1 : 0);
      const { stdout } = await ground.run(["ssh-config", "-o", "json"]);
      const [config = ""] = JSON.parse(stdout).files;
      const ssh = ["ssh", "-F", config, "-o", "BatchMode=yes", "shed-cp-2", "echo by hand"];
      expect(await runProcess([...ground.lan.outside, ...ssh])).toMatchObject({
        code: 0,
        stdout: "by hand\n",
      });
    });
  });
});
