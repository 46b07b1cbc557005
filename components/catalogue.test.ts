import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { CATALOGUE, component } from "./catalogue.ts";
import { moduleFiles } from "./golang.ts";
import { ALL_IMAGES } from "./images.ts";
import { NODE_PROGRAMS } from "./nodelayer.ts";
import { MASKED_UNITS, PACKAGES } from "./packages.ts";
import { partsOf } from "./recipes.ts";
import type { OfficialFile } from "./source.ts";

const OFFICIAL_HOSTS = ["dl.k8s.io", "github.com"];

function officialFiles(): readonly OfficialFile[] {
  return CATALOGUE.flatMap((entry) =>
    entry.sources.flatMap((source) => (source.by === "official" ? source.files : [])),
  );
}

describe("every component", () => {
  test.each(CATALOGUE.map((entry) => [entry.name, entry] as const))("%s says what it is for", (_, entry) => {
    expect(entry.reason).not.toBe("");
    expect(entry.version).not.toBe("");
    expect(entry.expectedSeconds).toBeGreaterThan(0);
  });

  test.each(CATALOGUE.map((entry) => [entry.name, entry] as const))(
    "%s can be had where no release can be downloaded",
    (_, entry) => {
      expect(entry.sources.some((source) => source.by !== "official")).toBe(true);
    },
  );

  test("comes after what it is put together from", () => {
    for (const [index, entry] of CATALOGUE.entries()) {
      const before = CATALOGUE.slice(0, index).map((earlier) => earlier.name);
      expect(before).toEqual(expect.arrayContaining([...partsOf(entry)]));
    }
  });
});

describe("official releases", () => {
  test("come over HTTPS from their publishers", () => {
    for (const file of officialFiles()) {
      const url = new URL(file.url);
      expect(url.protocol).toBe("https:");
      expect(OFFICIAL_HOSTS).toContain(url.host);
    }
  });

  test("pinned checksums are SHA-256 for both architectures", () => {
    for (const { checksum } of officialFiles()) {
      if (checksum.kind !== "pinned") continue;
      for (const architecture of ["amd64", "arm64"]) {
        expect(checksum.sha256[architecture]).toMatch(/^[0-9a-f]{64}$/);
      }
    }
  });

  test("give the same programs as the build from source", () => {
    for (const entry of CATALOGUE) {
      const official = entry.sources.find((source) => source.by === "official");
      const go = entry.sources.find((source) => source.by === "go");
      if (!official || !go) continue;
      const released = official.files.flatMap(({ gives }) =>
        typeof gives === "string" ? [gives] : Object.values(gives),
      );
      const built = [...Object.values(go.packages), ...Object.keys(go.links ?? {})];
      expect(built).toEqual(expect.arrayContaining(released));
    }
  });
});

describe("builds from source", () => {
  const modules = CATALOGUE.flatMap((entry) =>
    entry.sources.flatMap((source) => (source.by === "go" ? [source.module] : [])),
  );

  test.each(modules)("%s pins what goes in", async (module) => {
    expect(Object.keys(await moduleFiles(module))).toEqual(expect.arrayContaining(["go.mod", "go.sum"]));
    expect(existsSync(join(import.meta.dirname, "go", module, "go.sum"))).toBe(true);
  });
});

test("a node's programs come from components that give them", () => {
  for (const [name, programs] of Object.entries(NODE_PROGRAMS)) {
    const source = component(name as keyof typeof NODE_PROGRAMS).sources.find(
      (candidate) => candidate.by === "go",
    );
    const given = [...Object.values(source?.packages ?? {}), ...Object.keys(source?.links ?? {})];
    expect(given).toEqual(expect.arrayContaining([...programs]));
  }
});

test("the base root's packages and masked units each have a reason, and no container daemon is among them", () => {
  for (const { reason } of [...PACKAGES, ...MASKED_UNITS]) expect(reason).not.toBe("");
  const names = PACKAGES.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).not.toContain("containerd");
});

test("images have the names that kubeadm v1.36.3 asks for", () => {
  // What `kubeadm config images list --kubernetes-version v1.36.3` prints.
  expect(ALL_IMAGES).toEqual(
    expect.arrayContaining([
      "registry.k8s.io/kube-apiserver:v1.36.3",
      "registry.k8s.io/kube-controller-manager:v1.36.3",
      "registry.k8s.io/kube-scheduler:v1.36.3",
      "registry.k8s.io/kube-proxy:v1.36.3",
      "registry.k8s.io/coredns/coredns:v1.14.2",
      "registry.k8s.io/pause:3.10.2",
      "registry.k8s.io/etcd:3.6.8-0",
    ]),
  );
});
