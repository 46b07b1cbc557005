import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { stableJson } from "#base/hash.ts";
import { run } from "../run.ts";
import type { ImageInfo } from "./build.ts";
import { compareImages } from "./image.ts";
import { overlayEntries, writeOverlay } from "./overlay.ts";
import { GUEST_LEFT_OUT, GUEST_MASKED, GUEST_RECIPES, GUEST_ROLES } from "./roles.ts";
import { packagesDigest, parsePackages, spdxDocument } from "./sbom.ts";

/** As apt-cache prints them, shortened. */
const APT = `Package: libstdc++6
Source: gcc-14 (14.2.0-19)
Version: 14.2.0-19+b1
Architecture: amd64
Maintainer: Debian GCC Maintainers <gcc@example.org>
Description: GNU Standard C++ Library v3
 This package contains an additional runtime library.
 .
 Package: not one
Filename: pool/main/g/gcc-14/libstdc++6_14.2.0-19_amd64.deb
SHA256: 1111111111111111111111111111111111111111111111111111111111111111

Package: adduser
Version: 3.152
Architecture: all
Maintainer: Debian Adduser Developers <adduser@example.org>
Filename: pool/main/a/adduser/adduser_3.152_all.deb
SHA256: 2222222222222222222222222222222222222222222222222222222222222222
`;

const IMAGE: ImageInfo = {
  role: "ecam",
  suite: "trixie",
  kernel: "6.12",
  digest: "d",
  packagesDigest: "p",
  packages: 2,
  packedBytes: 1,
  rootBytes: 1,
  fileSystemMiB: 64,
  files: [{ name: "vmlinuz", bytes: 1, sha1: "aa", sha256: "bb" }],
};

describe("a role's recipe", () => {
  it.each(GUEST_ROLES)("of %s gives a reason for everything and names nothing twice", (role) => {
    const { packages, modules = [] } = GUEST_RECIPES[role];
    const named = packages.map(({ name }) => name);
    expect(new Set(named).size).toBe(named.length);
    expect(named.filter((name) => name.startsWith("linux-image-"))).toHaveLength(1);
    for (const { reason } of [...packages, ...modules, ...GUEST_LEFT_OUT, ...GUEST_MASKED])
      expect(reason.length).toBeGreaterThan(5);
  });

  it("keeps what only ECAMs need off nodes, and what only nodes need off ECAMs", () => {
    const of = (role: "ecam" | "worker") => GUEST_RECIPES[role].packages.map(({ name }) => name);
    expect(of("worker").filter((name) => ["haproxy", "keepalived", "knot"].includes(name))).toEqual([]);
    expect(of("ecam").filter((name) => ["runc", "iptables"].includes(name))).toEqual([]);
  });
});

describe("the overlay", () => {
  it("is the same tar each time, owned by root, as tar itself lists it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "overlay-"));
    try {
      const [one, two] = [join(folder, "one.tar"), join(folder, "two.tar")];
      await writeOverlay("worker", one);
      await writeOverlay("worker", two);
      await run(["cmp", one, two]);
      const listed = await run(["tar", "--utc", "-tvf", one]);
      expect(listed.trim().split("\n")).toHaveLength(overlayEntries("worker").length);
      expect(listed).toMatch(/^-rw-r--r-- 0\/0 +\d+ 2025-08-09 00:00 etc\/fstab$/m);
      expect(listed).toMatch(/^lrw\S+ 0\/0 +0 2025-08-09 00:00 opt\/cni\/bin -> \/usr\/lib\/cni$/m);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it("names modules only where the role does not keep all of them", () => {
    const modules = (role: "ecam" | "worker") =>
      overlayEntries(role).find(({ path }) => path === "boot/panopticon/modules");
    expect(modules("worker")).toMatchObject({ content: "" });
    expect(modules("ecam")).toMatchObject({
      content: expect.stringContaining("^kernel/drivers/block/xen-blkfront\n"),
    });
  });
});

describe("the bill of materials", () => {
  const packages = parsePackages(APT);

  it("reads what apt tells, sorted by name, with the source of each package", () => {
    expect(packages.map(({ name, version, source }) => [name, version, source])).toEqual([
      ["adduser", "3.152", "adduser 3.152"],
      ["libstdc++6", "14.2.0-19+b1", "gcc-14 14.2.0-19"],
    ]);
  });

  it("is the same for the same image, and another one when a package or a file changes", () => {
    const made = (files = IMAGE.files, of = packages): string =>
      stableJson(spdxDocument("panopticon-ecam", of, files, new Date(0)));
    expect(made()).toBe(made());
    const other = IMAGE.files.map((file) => ({ ...file, sha256: "cc" }));
    const space = (text: string): string => /urn:uuid:[^"]+/.exec(text)?.[0] ?? "";
    expect(space(made(other))).not.toBe(space(made()));
    expect(space(made(IMAGE.files, packages.slice(1)))).not.toBe(space(made()));
    expect(packagesDigest(packages)).not.toBe(packagesDigest(packages.slice(1)));
  });

  it("has every package and file once, by identifiers that SPDX allows, and relates all to the image", () => {
    const document = spdxDocument("panopticon-ecam", packages, IMAGE.files, new Date(0)) as {
      packages: { SPDXID: string }[];
      files: { SPDXID: string }[];
      relationships: { relatedSpdxElement: string }[];
      creationInfo: { created: string };
    };
    const ids = [...document.packages, ...document.files].map(({ SPDXID }) => SPDXID);
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(id).toMatch(/^SPDXRef-[A-Za-z0-9.-]+$/);
    expect(document.relationships.map((one) => one.relatedSpdxElement).toSorted()).toEqual(ids.toSorted());
    expect(document.creationInfo.created).toBe("1970-01-01T00:00:00Z");
  });
});

describe("two builds", () => {
  it("are the same, differ in named files, or can't be compared since the packages differ", () => {
    expect(compareImages(IMAGE, IMAGE)).toBeUndefined();
    const files = [{ name: "vmlinuz", bytes: 1, sha1: "aa", sha256: "cc" }];
    expect(compareImages(IMAGE, { ...IMAGE, files })?.message).toMatch(/same packages.*vmlinuz$/);
    expect(compareImages(IMAGE, { ...IMAGE, files, packagesDigest: "q" })?.message).toMatch(/other packages/);
  });
});
