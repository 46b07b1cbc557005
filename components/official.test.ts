import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { pack } from "tar-stream";
import { expect, onTestFinished, test } from "vitest";
import { sha256 } from "#base/hash.ts";
import { type OfficialOptions, parseChecksumFile, releaseArchitecture, takeOfficial } from "./official.ts";
import type { OfficialFile } from "./source.ts";

async function archive(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
  tar.finalize();
  return gzipSync(await buffer(tar));
}

async function publish(
  files: Readonly<Record<string, Buffer>>,
): Promise<{ base: string; options: OfficialOptions }> {
  const server = createServer((request, response) => {
    const content = files[request.url ?? ""];
    if (content) response.end(content);
    else response.writeHead(404).end();
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const scratch = await mkdtemp(join(tmpdir(), "official-"));
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await rm(scratch, { recursive: true });
  });
  const options = {
    scratch,
    partsDir: join(scratch, "parts"),
    unreachable: new Set<string>(),
    say: () => undefined,
  };
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, options };
}

const BESIDE = { kind: "beside", suffix: ".sha256" } as const;

test("takes the wanted programs of an archive, executable, checked by the file beside it", async () => {
  const tar = await archive({ "./thing-1/bin/thing": "program", "./thing-1/README": "text" });
  const name = `/thing-${releaseArchitecture()}.tar.gz`;
  const { base, options } = await publish({
    [name]: tar,
    [`${name}.sha256`]: Buffer.from(`${sha256(tar)}  thing.tar.gz\n`),
  });
  const out = join(options.scratch, "out");
  const url = `${base}/thing-{arch}.tar.gz`;
  const file: OfficialFile = { url, checksum: BESIDE, gives: { "thing-1/bin/thing": "thing" } };
  await takeOfficial({ by: "official", files: [file] }, out, options);
  expect(await readdir(out)).toEqual(["thing"]);
  expect(await readFile(join(out, "thing"), "utf8")).toBe("program");
  expect((await stat(join(out, "thing"))).mode & 0o777).toBe(0o755);
});

test("an archive without the program is refused", async () => {
  const tar = await archive({ README: "text" });
  const { base, options } = await publish({ "/a.tgz": tar, "/a.tgz.sha256": Buffer.from(sha256(tar)) });
  const file: OfficialFile = { url: `${base}/a.tgz`, checksum: BESIDE, gives: { "bin/thing": "thing" } };
  const taking = takeOfficial({ by: "official", files: [file] }, join(options.scratch, "out"), options);
  await expect(taking).rejects.toThrow(/COMPONENT_RELEASE_CONTENT the release holds no bin\/thing/);
});

test("a pinned checksum outranks what the server says", async () => {
  const { base, options } = await publish({ "/thing": Buffer.from("evil") });
  const pinned = { [releaseArchitecture()]: sha256("good") };
  const file: OfficialFile = {
    url: `${base}/thing`,
    checksum: { kind: "pinned", sha256: pinned, from: "test" },
    gives: "thing",
  };
  const taking = takeOfficial({ by: "official", files: [file] }, join(options.scratch, "out"), options);
  await expect(taking).rejects.toThrow(/COMPONENT_CHECKSUM/);
});

test("checksum files: bare and with a name, nothing else", () => {
  const hash = sha256("x");
  expect(parseChecksumFile(`${hash}\n`)).toBe(hash);
  expect(parseChecksumFile(`${hash.toUpperCase()} *file`)).toBe(hash);
  expect(parseChecksumFile("<html>moved</html>")).toBeUndefined();
  expect(parseChecksumFile(hash.slice(1))).toBeUndefined();
});
