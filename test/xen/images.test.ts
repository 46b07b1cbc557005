/** The images that guests boot: built twice they are the same bytes, and hold what is said of them and nothing else. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cacheDir } from "#app/folders.ts";
import { mustRun, runProcess } from "#base/process.ts";
import { ensureImage, type HadImage, reproduceImage } from "#components/guest/image.ts";
import { GUEST_RECIPES, GUEST_ROLES, type GuestRole } from "#components/guest/roles.ts";
import { figure, showFigures } from "./figures.ts";
import { bringPackages } from "./packages.ts";

/** What a role's image may take: packed for ECAMs, unpacked for nodes (before Kubernetes); in bytes. */
const LIMITS = {
  ecam: { packedBytes: 120e6 },
  controlplane: { rootBytes: 400e6 },
  worker: { rootBytes: 400e6 },
};

let folder: string;

beforeAll(async () => {
  await bringPackages();
  folder = await mkdtemp(join(tmpdir(), "images-"));
});

afterAll(async () => {
  if (folder) await rm(folder, { recursive: true, force: true });
  showFigures();
});

describe.each(GUEST_ROLES)("the image of a role, %s", (role: GuestRole) => {
  const options = { emit: () => undefined, cacheDir: cacheDir() };
  let image: HadImage;
  let root: string;

  beforeAll(async () => {
    image = await ensureImage(role, options);
    root = join(folder, `${role}.img`);
    await mustRun("TEST", [
      "sh",
      "-c",
      'gzip -dc "$1" > "$2"',
      "sh",
      join(image.folder, "root.img.gz"),
      root,
    ]);
  });

  const inRoot = async (request: string): Promise<string> =>
    (await mustRun("TEST", ["debugfs", "-R", request, root])).trim();

  it("has the same bytes when it is built once more", async () => {
    const began = performance.now();
    const again = await reproduceImage(role, image.info, options);
    figure(`image of ${role} built once more`, (performance.now() - began) / 1000);
    expect(again).toEqual(image.info);
  });

  it("is as small as was asked for", () => {
    for (const [what, limit] of Object.entries(LIMITS[role]))
      expect(image.info[what as "packedBytes" | "rootBytes"]).toBeLessThan(limit);
  });

  it("is a sound file system, of a size that holds it", async () => {
    const { code, stdout } = await runProcess(["e2fsck", "-fn", root]);
    expect(`${code} ${stdout}`).toMatch(/^0 /);
  });

  it("holds nothing of a machine: no name, no keys, no identity, no logs", async () => {
    expect(await inRoot("cat /etc/machine-id")).toBe("");
    expect(await inRoot("ls -p /etc/ssh")).not.toContain("ssh_host_");
    expect(await inRoot("ls -p /etc")).not.toMatch(/\/(hostname|resolv\.conf)\//);
    // Debian makes the folder; nobody is let in by it.
    const entries = (await inRoot("ls -p /root/.ssh")).split("\n").map((line) => line.split("/")[5]);
    expect(entries).toEqual([".", ".."]);
    expect(await inRoot("cat /etc/shadow")).not.toMatch(/^[^:]+:\$/m); // no password
  });

  it("has a bill of materials that names exactly what dpkg has installed", async () => {
    const status = await inRoot("cat /var/lib/dpkg/status");
    const installed = status
      .split(/\n\n/)
      .filter((paragraph) => /^Status: install ok installed$/m.test(paragraph))
      .map((paragraph) =>
        ["Package", "Version"].map((name) => new RegExp(`^${name}: (.+)$`, "m").exec(paragraph)?.[1]),
      );
    const document = JSON.parse(await readFile(join(image.folder, "sbom.spdx.json"), "utf8")) as {
      packages: { name: string; versionInfo?: string; checksums?: { checksumValue: string }[] }[];
    };
    const listed = document.packages.filter(({ versionInfo }) => versionInfo !== undefined);
    expect(listed.map(({ name, versionInfo }) => [name, versionInfo])).toEqual(
      installed.toSorted(([left = ""], [right = ""]) => (left < right ? -1 : 1)),
    );
    for (const { checksums } of listed) expect(checksums?.[0]?.checksumValue).toMatch(/^[0-9a-f]{64}$/);
    const names = new Set(listed.map(({ name }) => name));
    for (const { name } of GUEST_RECIPES[role].packages) expect(names).toContain(name);
  });
});
