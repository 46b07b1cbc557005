import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { processStart } from "./lock.ts";
import { contained, run, tied } from "./run.ts";

test("gives what was printed, and each line of the log as it comes", async () => {
  const lines: string[] = [];
  const onLine = (line: string) => void lines.push(line);
  expect(await run(["sh", "-c", "echo result; echo one >&2; echo two >&2"], { onLine })).toBe("result\n");
  expect(lines).toEqual(["one", "two"]);
});

test("a failure has the program's last words, its code and what to do", async () => {
  const failing = run(["sh", "-c", "echo no such thing >&2; exit 3"], {
    code: "COMPONENT_SEED",
    hint: "look there",
  });
  await expect(failing).rejects.toThrow(/COMPONENT_SEED .* ended with 3: no such thing\n {2}→ look there/);
});

test("a program that is not there is said to be missing", async () => {
  await expect(run(["/nowhere/program"])).rejects.toThrow(/COMPONENT_COMMAND_FAILED .*ENOENT/);
});

test("ends when it is aborted", async () => {
  const stop = new AbortController();
  const running = run(tied(["sleep", "60"]), { signal: stop.signal });
  setTimeout(() => stop.abort(), 50);
  await expect(running).rejects.toThrow(/abort/i);
});

/** Whether anything a process has started through `prefix` is still there some seconds after it was killed. */
async function outlives(prefix: string): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), "run-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const script = join(folder, "parent.ts");
  await writeFile(
    script,
    `import { ${prefix}, run } from ${JSON.stringify(join(import.meta.dirname, "run.ts"))};
     const onLine = (line: string) => console.log(line);
     await run(${prefix}(["sh", "-c", "sleep 60 & echo started >&2; wait"]), { onLine });`,
  );
  const parent = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(createInterface({ input: parent.stdout }), "line")) as [string];
  expect(line).not.toBe("");
  const children = await descendants(parent.pid ?? 0);
  expect(children.length).toBeGreaterThan(0);
  parent.kill("SIGKILL");
  await once(parent, "exit");
  for (let tries = 0; tries < 100; tries++) {
    const alive = await Promise.all(children.map((pid) => processStart(pid)));
    if (alive.every((started) => started === undefined)) return false;
    await sleep(50);
  }
  return true;
}

/** Process ids below this one, by the kernel's list of each process's children. */
async function descendants(pid: number): Promise<readonly number[]> {
  const listed = await run(["sh", "-c", `cat /proc/${pid}/task/*/children`]);
  const children = listed.trim().split(/\s+/).filter(Boolean).map(Number);
  return [...children, ...(await Promise.all(children.map(descendants))).flat()];
}

test("what is contained ends with us, its children too", async (ctx) => {
  if (process.getuid?.() !== 0 && !process.env["CI"]) return ctx.skip("namespaces of its own need root");
  expect(await outlives("contained")).toBe(false);
});

test("a contained program leaves no mount on the host", async (ctx) => {
  if (process.getuid?.() !== 0 && !process.env["CI"]) return ctx.skip("namespaces of its own need root");
  const inside = ["sh", "-c", "mount -t tmpfs panopticon-test /mnt && grep panopticon-test /proc/mounts"];
  expect(await run(contained(inside))).toContain("panopticon-test /mnt");
  expect(await run(["cat", "/proc/mounts"])).not.toContain("panopticon-test");
});
