import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Event } from "#base/events.ts";
import { ensureHostPackages, missingPackages } from "./host.ts";

// A path of our own in front, with an apt-get that notes how it was called and
// brings the program only once the package lists were updated.
const APT = `#!/bin/sh
echo "$*" >> "$APT_HOME/calls"
case "$*" in
  *update) touch "$APT_HOME/lists" ;;
  *install*) [ -e "$APT_HOME/lists" ] || { echo "E: Unable to locate package wanted" >&2; exit 100; }
    [ -e "$APT_HOME/policy-rc.d" ] && touch "$APT_HOME/kept-quiet"
    touch "$APT_HOME/wanted-program"; chmod +x "$APT_HOME/wanted-program" ;;
esac
`;

const programs = { "wanted-program": "wanted" };
const { PATH } = process.env;
let home = "";

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "panopticon-apt-"));
  writeFileSync(join(home, "apt-get"), APT);
  chmodSync(join(home, "apt-get"), 0o755);
  Object.assign(process.env, { PATH: `${home}:${PATH}`, APT_HOME: home });
});

afterEach(() => {
  process.env["PATH"] = PATH;
  delete process.env["APT_HOME"];
  rmSync(home, { recursive: true });
});

const calls = (): string =>
  existsSync(join(home, "calls")) ? readFileSync(join(home, "calls"), "utf8") : "";
const options = (yes: boolean, events: Event[] = []) => ({
  yes,
  programs,
  policyFile: join(home, "policy-rc.d"),
  emit: (event: Event) => void events.push(event),
});

test("without --yes and without anybody to ask, it names the packages and changes nothing", async () => {
  const refused = ensureHostPackages(options(false));
  await expect(refused).rejects.toMatchObject({
    exit: 2,
    message: expect.stringMatching(/wanted/) as string,
  });
  expect(calls()).not.toMatch(/install/);
});

test("packages are installed after being named, lists are updated where that is needed, daemons stay down", async (context) => {
  if (process.getuid?.() !== 0) context.skip("apt-get is only called as root");
  const events: Event[] = [];
  await ensureHostPackages(options(true, events));
  expect(await missingPackages(programs)).toEqual([]);
  expect(events[0]).toMatchObject({ kind: "note", what: expect.stringContaining("wanted") as string });
  expect(calls()).toMatch(/install .*wanted\n.*update\n.*install .*wanted/);
  expect(existsSync(join(home, "kept-quiet"))).toBe(true);
  expect(existsSync(join(home, "policy-rc.d"))).toBe(false);
});

test("a policy the host has already stays as it is", async (context) => {
  if (process.getuid?.() !== 0) context.skip("apt-get is only called as root");
  writeFileSync(join(home, "policy-rc.d"), "the host's own");
  await ensureHostPackages(options(true));
  expect(readFileSync(join(home, "policy-rc.d"), "utf8")).toBe("the host's own");
});

test("a person who says no is taken at the word", async (context) => {
  if (process.getuid?.() !== 0) context.skip("asked only as root");
  const refused = ensureHostPackages({ ...options(false), ask: () => Promise.resolve(false) });
  await expect(refused).rejects.toMatchObject({ exit: 2 });
  expect(calls()).not.toMatch(/install/);
});

test("nothing is asked or run where nothing lacks", async () => {
  writeFileSync(join(home, "wanted-program"), "");
  chmodSync(join(home, "wanted-program"), 0o755);
  await ensureHostPackages(options(false));
  expect(calls()).toBe("");
});
