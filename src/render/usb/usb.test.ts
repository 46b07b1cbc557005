import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { mustRun } from "#base/process.ts";
import type { Server, Site } from "#model/federation.ts";
import { parseFederation } from "#model/parse.ts";
import { CARD, serverFiles } from "./server-files.ts";
import { serverId, type Stick, stickFiles, stickLabel, wantedDisks } from "./stick.ts";

const SIZE = { systemMiB: 16_384, overheadMiB: 272 };
const KEYS = {
  authorizedKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAdmin admin",
  hostKeyPrivate: "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
  hostKeyPublic: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHost",
};

function stick(server = "", disks = "[{name: ssd, size: 500GB}]", overwrite = false): Stick {
  const { federation } = parseFederation(
    `{kind: Federation, apiVersion: panopticon/v1, name: home, domain: home.test, crown: flat, sites: [
      {name: flat, controlplanes: 1,
       network: {lan: 10.11.0.0/22, gateway: 10.11.0.1, external: 203.0.113.1, resolvers: [9.9.9.9, 10.11.0.5]},
       servers: [{name: left, address: 10.11.0.2, ${server} cpus: 8, memory: 32GiB, disks: ${disks}}]}]}`,
    "home.yaml",
  );
  const site = federation.sites[0] as Site;
  return { federation: "home", site, server: site.servers[0] as Server, id: "one", overwrite };
}

function fileOf(made: Stick, path: string): string {
  return stickFiles(made, SIZE).find((file) => file.path === path)?.content ?? "";
}

describe("the server's own files", () => {
  const { site, server } = stick("dom0Memory: 3GiB,");
  const files = new Map(
    serverFiles(site, server, "10.11.0.2", KEYS).map(({ path, content, mode }) => [path, { content, mode }]),
  );

  it("give it its name, its place in the LAN and its name servers", () => {
    expect(files.get("/etc/hostname")?.content).toBe("flat-left\n");
    expect(files.get("/etc/systemd/network/20-xenbr0.network")?.content).toContain(
      "Address=10.11.0.2/22\nGateway=10.11.0.1\nDHCP=no\n",
    );
    expect(files.get("/etc/resolv.conf")?.content).toMatch(/^nameserver 9.9.9.9\nnameserver 10.11.0.5\n/);
  });

  it("put the card that the installer finds into the bridge, which has its MAC", () => {
    expect(files.get("/etc/systemd/network/10-xenbr0.netdev")?.content).toContain(`MACAddress=${CARD}\n`);
    expect(files.get("/etc/systemd/network/10-xenbr0-port.network")?.content).toContain(
      `PermanentMACAddress=${CARD}\n`,
    );
  });

  it("pin dom0's memory in what a shell reads, beside what is set already", async () => {
    const folder = mkdtempSync(join(tmpdir(), "grub-"));
    try {
      const file = join(folder, "grub.cfg");
      writeFileSync(file, files.get("/etc/default/grub.d/zz-panopticon.cfg")?.content ?? "");
      const script = 'GRUB_CMDLINE_XEN_DEFAULT=before; . "$1"; echo "$GRUB_CMDLINE_XEN_DEFAULT"';
      expect(await mustRun("TEST", ["sh", "-c", script, "sh", file])).toMatch(
        /^before dom0_mem=3072M,max:3072M /,
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("keep the host key to root", () => {
    expect(files.get("/etc/ssh/ssh_host_ed25519_key")).toEqual({ content: KEYS.hostKeyPrivate, mode: 0o600 });
    expect(files.get("/root/.ssh/authorized_keys")).toEqual({
      content: `${KEYS.authorizedKey}\n`,
      mode: 0o600,
    });
  });
});

describe("what a stick tells the installer", () => {
  it("is which disks the file means, the system's first", () => {
    const made = stick("", '[{name: ssd, size: 500GiB}, {name: hdd, size: 4TiB, serial: "WD 1"}]');
    const [ssd, hdd] = wantedDisks(made.server, SIZE);
    expect(ssd).toEqual({
      name: "ssd",
      low: Math.floor(500 * 2 ** 30 * 0.98),
      high: Math.ceil((500 * 2 ** 30 + (16_384 + 272) * 2 ** 20) * 1.25),
    });
    expect(hdd).toMatchObject({ serial: "WD 1", high: 4 * 2 ** 40 * 1.25 });
    const [first, second, third] = fileOf(made, "/panopticon/wanted").split("\n");
    expect(first).toBe(`server|${serverId(made)}|one|0|${(16_384 + 272 + 1024) * 2 ** 20}`);
    expect(second).toBe(`disk|ssd|${ssd?.low}|${ssd?.high}|`);
    expect(third).toBe(`disk|hdd|${hdd?.low}|${hdd?.high}|WD 1`);
  });

  it("takes a disk of the nominal size for the file's, and none of half or twice", () => {
    const [disk] = wantedDisks(stick("", "[{name: ssd, size: 480GB}]").server, SIZE);
    const fits = (gigabytes: number) =>
      disk !== undefined && gigabytes * 1e9 >= disk.low && gigabytes * 1e9 <= disk.high;
    expect([240, 480, 500.1, 512, 960].map(fits)).toEqual([false, true, true, true, false]);
  });

  it("names a card only where the file does", () => {
    expect(fileOf(stick(), "/panopticon/mac")).toBe("");
    expect(fileOf(stick('mac: "3c:ec:ef:12:34:56",'), "/panopticon/mac")).toBe("3c:ec:ef:12:34:56\n");
  });

  it("is another server's for another server, and another stick's for another stick", () => {
    const one = stick();
    const other = { ...one, id: "two" };
    expect(serverId(one)).toBe(serverId(other));
    expect(serverId({ ...one, federation: "work" })).not.toBe(serverId(one));
    expect(stickLabel(one)).not.toBe(stickLabel(other));
    expect(stickLabel(one)).toMatch(/^[A-Z0-9_]{1,32}$/); // an ISO 9660 volume's name
    expect(fileOf(one, "/boot/grub/grub.cfg")).toContain(`panopticon.stick=${stickLabel(one)}`);
  });

  it("starts a server that is installed, unless the stick may overwrite and another one installed it", () => {
    const serial = "[{name: ssd, size: 500GB, serial: S1}]";
    const menu = (made: Stick) => fileOf(made, "/boot/grub/grub.cfg");
    const normal = stick("", serial);
    expect(menu(normal)).toContain(`--file /boot/panopticon/${serverId(normal)}\n`);
    expect(menu(stick("", serial, true))).toContain("--file /boot/panopticon/one\n");
  });
});
