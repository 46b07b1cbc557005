import { mkdtemp, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { extract, type Header } from "tar-stream";
import { expect, onTestFinished, test } from "vitest";
import { sha256 } from "#base/hash.ts";
import { type ImageSpec, writeImages } from "./imagetar.ts";

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "images-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

async function members(tar: Uint8Array): Promise<Map<string, { header: Header; content: Buffer }>> {
  const reader = extract();
  reader.end(tar);
  const found = new Map<string, { header: Header; content: Buffer }>();
  for await (const member of reader) {
    found.set(member.header.name, { header: member.header, content: await buffer(member) });
  }
  return found;
}

async function twoImages(at: string): Promise<readonly ImageSpec[]> {
  await writeFile(join(at, "program"), "the program".repeat(1000));
  const shared = { entries: [{ path: "usr/local/bin/kube", file: join(at, "program"), mode: 0o755 }] };
  const link = (name: string) => ({ entries: [{ path: `usr/local/bin/${name}`, linkTo: "kube" }] });
  return [
    { name: "registry.example/one:v1", layers: [shared, link("one")], entrypoint: ["/usr/local/bin/one"] },
    {
      name: "registry.example/two:v2",
      layers: [shared, link("two")],
      entrypoint: ["/two"],
      user: "65532:65532",
    },
  ];
}

async function written(at: string): Promise<Buffer> {
  const path = join(at, "images.tar");
  await writeImages(await twoImages(at), "amd64", path, at);
  return readFile(path);
}

test("the same files give the same bytes, whenever and wherever they are", async () => {
  const [one, other] = [await folder(), await folder()];
  const first = await written(one);
  await twoImages(other);
  await utimes(join(other, "program"), 1, 1);
  expect(sha256(await written(other))).toBe(sha256(first));
});

test("is an OCI layout whose digests hold, with the images' names for containerd", async () => {
  const files = await members(await written(await folder()));
  const read = (name: string) => JSON.parse(files.get(name)?.content.toString() ?? "null");
  expect(read("oci-layout")).toEqual({ imageLayoutVersion: "1.0.0" });
  const index = read("index.json") as {
    manifests: { digest: string; annotations: Record<string, string> }[];
  };
  expect(index.manifests.map((entry) => entry.annotations["io.containerd.image.name"])).toEqual([
    "registry.example/one:v1",
    "registry.example/two:v2",
  ]);
  const blobs = [...files.entries()].filter(([name]) => /^blobs\/sha256\/./.test(name));
  for (const [name, { content }] of blobs) expect(`blobs/sha256/${sha256(content)}`).toBe(name);
  for (const { digest } of index.manifests) {
    const manifest = read(`blobs/${digest.replace(":", "/")}`);
    const config = read(`blobs/${manifest.config.digest.replace(":", "/")}`);
    expect(config.rootfs.diff_ids).toEqual(manifest.layers.map((layer: { digest: string }) => layer.digest));
    for (const layer of manifest.layers) {
      expect(files.get(`blobs/${layer.digest.replace(":", "/")}`)?.content.length).toBe(layer.size);
    }
  }
});

test("a layer of two images is written once, and Docker's manifest names the same", async () => {
  const files = await members(await written(await folder()));
  const docker = JSON.parse(files.get("manifest.json")?.content.toString() ?? "null");
  expect(docker.map((image: { RepoTags: string[] }) => image.RepoTags[0])).toEqual([
    "registry.example/one:v1",
    "registry.example/two:v2",
  ]);
  expect(docker[0].Layers[0]).toBe(docker[1].Layers[0]);
  expect(docker[0].Layers[1]).not.toBe(docker[1].Layers[1]);
  for (const image of docker) for (const layer of image.Layers) expect(files.has(layer)).toBe(true);
});

test("a layer has its folders, owned by root, without a time", async () => {
  const files = await members(await written(await folder()));
  const docker = JSON.parse(files.get("manifest.json")?.content.toString() ?? "null");
  const layer = await members(files.get(docker[0].Layers[0])?.content ?? Buffer.alloc(0));
  expect([...layer.keys()]).toEqual(["usr/", "usr/local/", "usr/local/bin/", "usr/local/bin/kube"]);
  for (const { header } of layer.values()) {
    expect(header).toMatchObject({ uid: 0, gid: 0, mtime: new Date(0) });
  }
  expect(layer.get("usr/local/bin/kube")?.header.mode).toBe(0o755);
});

test("a file that vanished is an error, not a short archive", async () => {
  const at = await folder();
  const images = await twoImages(at);
  await rm(join(at, "program"));
  await expect(writeImages(images, "amd64", join(at, "images.tar"), at)).rejects.toThrow(/ENOENT/);
});
