/**
 * Writes container images as one OCI image layout in a tar: the same files give
 * the same bytes. Layers are shared between images by their digest, and what
 * reads `docker save` archives or OCI layouts reads it (OCI Image Format 1.1).
 */
import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { pack, type Header, type Pack } from "tar-stream";
import { sha256, stableJson } from "#base/hash.ts";
import { fileSha256 } from "./files.ts";

/** One entry of a layer; the path has no leading slash. Missing parent folders are added. */
export type LayerEntry =
  | { readonly path: string; readonly file: string; readonly mode: number }
  | { readonly path: string; readonly linkTo: string };

export interface Layer {
  readonly entries: readonly LayerEntry[];
}

/** A layer that whoever imports the archive has already, from another image; it is named and not written. */
export interface HeldLayer {
  /** `sha256:…` of its uncompressed tar. */
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
}

export interface ImageSpec {
  /** Full name with tag, such as registry.k8s.io/pause:3.10.2; or made from the digests of its layers. */
  readonly name: string | ((layers: readonly HeldLayer[]) => string);
  /** Bottom first. The same object in several images is written once. */
  readonly layers: readonly (Layer | HeldLayer)[];
  readonly entrypoint: readonly string[];
  readonly user?: string;
}

export interface WrittenImage {
  readonly name: string;
  readonly layers: readonly HeldLayer[];
}

interface Blob {
  readonly digest: string;
  readonly size: number;
  /** Missing where whoever imports it has it already. */
  readonly content?: { readonly file: string } | { readonly text: string };
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** Everything in an archive has this time, so that the bytes depend on the content alone. */
const EPOCH = new Date(0);

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Writes the archive to `path`; `scratch` takes the layers meanwhile. `architecture` is amd64 or arm64. */
export async function writeImages(
  images: readonly ImageSpec[],
  architecture: string,
  path: string,
  scratch: string,
): Promise<readonly WrittenImage[]> {
  const blobs = new Map<string, Blob>();
  const layers = new Map<Layer | HeldLayer, Blob>();
  const manifests: object[] = [];
  const dockerManifest: object[] = [];
  const written: WrittenImage[] = [];
  for (const image of images) {
    for (const layer of image.layers) {
      if (!layers.has(layer))
        layers.set(layer, await blobOf(layer, join(scratch, `layer-${layers.size}.tar`)));
    }
    const imageLayers = image.layers.flatMap((layer) => layers.get(layer) ?? []);
    const held = imageLayers.map(({ digest, size }) => ({ digest, size }));
    const name = typeof image.name === "string" ? image.name : image.name(held);
    const config = textBlob(imageConfig(image, imageLayers, architecture));
    const manifest = textBlob(imageManifest(config, imageLayers));
    for (const blob of [...imageLayers, config, manifest]) blobs.set(blob.digest, blob);
    manifests.push(indexEntry(name, manifest, architecture));
    dockerManifest.push({
      Config: blobPath(config),
      RepoTags: [name],
      Layers: imageLayers.map(blobPath),
    });
    written.push({ name, layers: held });
  }
  const members: readonly (readonly [string, Blob])[] = [
    ["index.json", textBlob({ schemaVersion: 2, mediaType: MEDIA.index, manifests })],
    ["manifest.json", textBlob(dockerManifest)],
    ["oci-layout", textBlob({ imageLayoutVersion: "1.0.0" })],
    ...[...blobs.values()].map((blob): [string, Blob] => [blobPath(blob), blob]),
  ];
  await writeTar(path, (archive) => fillArchive(archive, members));
  return written;
}

const MEDIA = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
} as const;

function imageConfig(image: ImageSpec, layers: readonly Blob[], architecture: string): object {
  return {
    architecture,
    os: "linux",
    created: EPOCH.toISOString(),
    config: {
      Entrypoint: image.entrypoint,
      Env: [`PATH=${PATH}`],
      ...(image.user && { User: image.user }),
    },
    rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.digest) },
  };
}

function imageManifest(config: Blob, layers: readonly Blob[]): object {
  return {
    schemaVersion: 2,
    mediaType: MEDIA.manifest,
    config: descriptor(MEDIA.config, config),
    layers: layers.map((layer) => descriptor(MEDIA.layer, layer)),
  };
}

function indexEntry(name: string, manifest: Blob, architecture: string): object {
  return {
    ...descriptor(MEDIA.manifest, manifest),
    platform: { architecture, os: "linux" },
    annotations: {
      "io.containerd.image.name": name,
      "org.opencontainers.image.ref.name": name.slice(name.lastIndexOf(":") + 1),
    },
  };
}

/** Writes a layer as a tar and gives its digest; one that is held already is not written. */
async function blobOf(layer: Layer | HeldLayer, path: string): Promise<Blob> {
  if (!("entries" in layer)) return layer;
  await writeTar(path, (archive) => fillLayer(archive, layer));
  const digest = `sha256:${await fileSha256(path)}`;
  return { digest, size: (await stat(path)).size, content: { file: path } };
}

/** Writes what `fill` puts into the archive; a failure on either side ends the other. */
async function writeTar(path: string, fill: (archive: Pack) => Promise<void>): Promise<void> {
  const archive = pack();
  const filling = fill(archive).then(
    () => archive.finalize(),
    (error: Error) => {
      archive.destroy(error);
      throw error;
    },
  );
  await Promise.all([filling, pipeline(archive, createWriteStream(path))]);
}

async function fillLayer(archive: Pack, layer: Layer): Promise<void> {
  const entries = layer.entries.toSorted((left, right) => (left.path < right.path ? -1 : 1));
  const folders = new Set<string>();
  for (const entry of entries) {
    for (const folder of parents(entry.path)) {
      if (folders.has(folder)) continue;
      folders.add(folder);
      await addEntry(archive, { name: `${folder}/`, type: "directory", mode: 0o755 });
    }
    if ("linkTo" in entry) {
      await addEntry(archive, { name: entry.path, type: "symlink", linkname: entry.linkTo, mode: 0o777 });
    } else {
      await addFile(archive, entry.path, entry.file, entry.mode);
    }
  }
}

async function fillArchive(archive: Pack, members: readonly (readonly [string, Blob])[]): Promise<void> {
  for (const folder of ["blobs", "blobs/sha256"]) {
    await addEntry(archive, { name: `${folder}/`, type: "directory", mode: 0o755 });
  }
  for (const [name, { content }] of members) {
    if (content === undefined) continue;
    if ("file" in content) await addFile(archive, name, content.file, 0o644);
    else await addEntry(archive, { name, mode: 0o644 }, content.text);
  }
}

function addEntry(
  archive: Pack,
  header: Partial<Header> & { readonly name: string },
  content = "",
): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (error?: Error | null) => (error ? reject(error) : resolve());
    archive.entry({ ...header, uid: 0, gid: 0, mtime: EPOCH }, content, done);
  });
}

async function addFile(archive: Pack, name: string, file: string, mode: number): Promise<void> {
  const { size } = await stat(file);
  const entry = archive.entry({ name, mode, size, uid: 0, gid: 0, mtime: EPOCH });
  await pipeline(createReadStream(file, { highWaterMark: 2 ** 20 }), entry);
}

function textBlob(value: object): Blob {
  const text = stableJson(value);
  return { digest: `sha256:${sha256(text)}`, size: Buffer.byteLength(text), content: { text } };
}

function descriptor(mediaType: string, blob: Blob): Descriptor {
  return { mediaType, digest: blob.digest, size: blob.size };
}

function blobPath(blob: Blob): string {
  return `blobs/${blob.digest.replace(":", "/")}`;
}

function parents(path: string): readonly string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}
