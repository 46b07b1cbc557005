/**
 * Commands on many servers, over real SSH. The servers are recorded: they show
 * what a real dom0 printed, and no Xen runs. Quick, beside the other journeys.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dryRun, everyOneDrifted } from "../servers/dry-run.ts";
import { lacking, openRecordedServers, type RecordedServers } from "../servers/ground.ts";

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
});
