import { spawn } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

// A checkout of its own, an npm that installs a node which says how it was
// called, and a path with nothing else than what every system has.
const NPM = `#!/bin/sh
echo "$*" >> npm-calls
[ -e npm-is-broken ] && exit 1
sleep 0.3
mkdir -p node_modules/.bin
printf '#!/bin/sh\\necho "$*"\\n' > node_modules/.bin/node
chmod +x node_modules/.bin/node
touch node_modules/.package-lock.json
`;
const SYSTEM = [
  "sh",
  "dirname",
  "readlink",
  "id",
  "uname",
  "flock",
  "sleep",
  "mkdir",
  "chmod",
  "chown",
  "touch",
];

let home = "";
const inHome = (name: string): string => join(home, name);

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "panopticon-launcher-"));
  copyFileSync(join(import.meta.dirname, "../../panopticon"), inHome("panopticon"));
  writeFileSync(inHome("package-lock.json"), "{}");
  mkdirSync(inHome("bin"));
  for (const name of SYSTEM) symlinkSync(whereIs(name), inHome(`bin/${name}`));
  writeFileSync(inHome("bin/npm"), NPM);
  chmodSync(inHome("bin/npm"), 0o755);
});
afterEach(() => rmSync(home, { recursive: true }));

function whereIs(name: string): string {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin", "/bin", "/usr/sbin"];
  const found = folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`this system has no ${name}`);
  return found;
}

async function launch(...argv: readonly string[]) {
  const env = { PATH: inHome("bin"), HOME: home };
  const child = spawn(inHome("panopticon"), argv, { env, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const status = await new Promise<number | null>((resolve) => child.on("close", resolve));
  return { status, stdout, stderr };
}

const npmCalls = (): readonly string[] =>
  existsSync(inHome("npm-calls")) ? readFileSync(inHome("npm-calls"), "utf8").trim().split("\n") : [];

test("the first start says that it installs, then runs; the second one just runs", async () => {
  const first = await launch("check", "a file");
  expect(first.status).toBe(0);
  expect(first.stderr).toContain("installing its modules and Node 24");
  expect(first.stdout).toContain(`${home}/src/cli/main.ts check a file\n`);
  expect(npmCalls()).toEqual([expect.stringMatching(/^ci --omit=dev --ignore-scripts /)]);
  expect(await launch("check")).toMatchObject({ status: 0, stderr: "" });
  expect(npmCalls()).toHaveLength(1);
});

test("a lock file newer than the last install is installed; a developer's modules stay complete", async () => {
  await launch();
  mkdirSync(inHome("node_modules/typescript"));
  const later = new Date(Date.now() + 60_000);
  utimesSync(inHome("package-lock.json"), later, later);
  await launch();
  expect(npmCalls()).toHaveLength(2);
  expect(npmCalls()[1]).not.toContain("--omit=dev");
});

test("two starts at once install once, and both run", async () => {
  const both = await Promise.all([launch("plan"), launch("plan")]);
  expect(both.map(({ status }) => status)).toEqual([0, 0]);
  expect(npmCalls()).toHaveLength(1);
});

test("without npm it says what to install", async () => {
  rmSync(inHome("bin/npm"));
  const { status, stderr } = await launch("check");
  expect(status).toBe(2);
  expect(stderr).toMatch(/^CLI_NPM_MISSING .*\n {2}→ .*apt-get install -y --no-install-recommends npm$/m);
});

test("an install that fails is the world's failure, and is tried again at the next start", async () => {
  writeFileSync(inHome("npm-is-broken"), "");
  expect(await launch()).toMatchObject({
    status: 3,
    stderr: expect.stringContaining("CLI_INSTALL_FAILED") as string,
  });
  rmSync(inHome("npm-is-broken"));
  expect(await launch()).toMatchObject({ status: 0 });
});
