import { mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { PanopticonError, type Problem } from "#base/errors.ts";
import { runProcess } from "#base/process.ts";
import { needTool } from "../../test/tools.ts";
import {
  type SiteAccess,
  kubeconfigPath,
  mergeKubeconfig,
  removeFromKubeconfig,
  updateKubeconfig,
} from "./kubeconfig.ts";

const FILE = "/home/ada/.kube/config";
const CLIENT = { certificate: "CERT\n", key: "KEY\n" };
const ATTIC: SiteAccess = {
  federation: "home",
  site: "attic",
  server: "https://10.11.0.5:6443",
  authority: `${"long ".repeat(60)}\n`,
  client: CLIENT,
};
const CELLAR: SiteAccess = { ...ATTIC, site: "cellar", server: "https://10.12.0.5:6443" };

/** As kubectl writes it, with what people add by hand. */
const THEIRS = `# my clusters, do not lose
apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: V09SSw==
    server: https://work.example:6443 # behind the VPN
  name: work
contexts:
# the one I use
- context:
    cluster: work
    namespace: 'team-a'
    user: ada
  name: work
current-context: work
kind: Config
preferences: {}
users:
- name: ada
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      args: ["get-token", "--region", "eu"]
      command: cloud
      env: null
      interactiveMode: IfAvailable
      provideClusterInfo: false
`;

function problemOf(work: () => unknown): Problem | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (!(error instanceof PanopticonError)) throw error;
    return error.problems[0];
  }
}

describe("mergeKubeconfig", () => {
  it("makes a whole kubeconfig where there is none", () => {
    for (const nothing of [undefined, "", "\n", "# only a comment\n", "null\n"]) {
      const config = parse(mergeKubeconfig(nothing, [ATTIC, CELLAR], FILE));
      expect(config).toMatchObject({ apiVersion: "v1", kind: "Config", "current-context": "attic" });
      const own = "panopticon-home-cellar";
      expect(config.contexts[1]).toEqual({ name: "cellar", context: { cluster: own, user: own } });
      expect(config.clusters[1]).toMatchObject({ name: own, cluster: { server: CELLAR.server } });
      expect(config.users[1]).toEqual({
        name: own,
        user: { "client-certificate-data": "Q0VSVAo=", "client-key-data": "S0VZCg==" },
      });
    }
  });

  it("keeps every line that was there, comments too", () => {
    const merged = mergeKubeconfig(THEIRS, [ATTIC, CELLAR], FILE).split("\n");
    let at = 0;
    for (const line of THEIRS.trimEnd().split("\n")) {
      const found = merged.indexOf(line, at);
      expect([line, found >= at]).toEqual([line, true]);
      at = found + 1;
    }
    expect(merged).toContain("current-context: work");
  });

  it.each([
    ["kubectl's", THEIRS],
    ["indented lists", THEIRS.replace(/^(- |  )/gm, "  $1")],
    ["JSON", JSON.stringify(parse(THEIRS), undefined, 2)],
    [
      "kubectl's empty one",
      'apiVersion: v1\nclusters: null\ncontexts: []\ncurrent-context: ""\nkind: Config\nusers: null\n',
    ],
  ])("changes nothing of theirs in what it means, and merges twice as once: %s", (_form, text) => {
    const merged = mergeKubeconfig(text, [ATTIC, CELLAR], FILE);
    expect(mergeKubeconfig(merged, [ATTIC, CELLAR], FILE)).toBe(merged);
    expect(
      parse(merged)
        .contexts.map(({ name }: { name: string }) => name)
        .slice(-2),
    ).toEqual(["attic", "cellar"]);
    const without = parse(removeFromKubeconfig(merged, "home", ["attic", "cellar"], FILE));
    const before = parse(text);
    for (const list of ["clusters", "users", "contexts"]) {
      expect(without[list]).toEqual(before[list] ?? []);
    }
    expect(without["current-context"]).toBe(before["current-context"]);
  });

  it("renews what is ours and keeps what the person added to the context", () => {
    const merged = mergeKubeconfig(THEIRS, [ATTIC], FILE);
    const changed = merged.replace(/(- name: attic\n {2}context:\n)/, "$1    namespace: shop\n");
    expect(changed).not.toBe(merged);
    const renewed = parse(
      mergeKubeconfig(changed, [{ ...ATTIC, client: { certificate: "NEW\n", key: "NEWKEY\n" } }], FILE),
    );
    expect(renewed.contexts[1].context).toMatchObject({ namespace: "shop", user: "panopticon-home-attic" });
    expect(renewed.users).toHaveLength(2);
    expect(renewed.users[1].user["client-certificate-data"]).toBe("TkVXCg==");
  });

  it("refuses a context of the site's name that is another's", () => {
    expect(problemOf(() => mergeKubeconfig(THEIRS, [{ ...ATTIC, site: "work" }], FILE))?.code).toBe(
      "KUBECONFIG_CONTEXT_TAKEN",
    );
    const merged = mergeKubeconfig(THEIRS, [ATTIC], FILE);
    const other = { ...ATTIC, federation: "office" };
    expect(() => mergeKubeconfig(merged, [other], FILE)).toThrow(/attic.*rename-context/s);
  });

  it.each([
    ["torn", "apiVersion: v1\nclusters:\n- cluster: {\n", 4],
    ["a key twice", "apiVersion: v1\napiVersion: v1\n", 2],
    ["two documents", `${THEIRS}---\n${THEIRS}`, 28],
    ["a list", "- a\n", 1],
    ["another kind", "kind: Pod\n", 1],
    ["no list", "clusters: work\n", 1],
  ])("refuses what is no kubeconfig and says where: %s", (_what, text, line) => {
    const problem = problemOf(() => mergeKubeconfig(text, [ATTIC], FILE));
    expect(problem).toMatchObject({ code: "KUBECONFIG_UNREADABLE", at: { file: FILE, line } });
  });

  it("is what kubectl understands", async (context) => {
    const kubectl = needTool(context, "kubectl");
    const dir = await mkdtemp(join(tmpdir(), "kubectl-"));
    context.onTestFinished(() => rm(dir, { recursive: true }));
    const file = join(dir, "config");
    await writeFile(file, mergeKubeconfig(THEIRS, [ATTIC, CELLAR], FILE));
    const run = async (...args: string[]): Promise<string> =>
      (await runProcess([kubectl, "--kubeconfig", file, "config", ...args])).stdout;
    expect(await run("get-contexts", "-o", "name")).toBe("attic\ncellar\nwork\n");
    const view = JSON.parse(await run("view", "--context", "cellar", "--minify", "-o", "json"));
    expect(view.clusters[0].cluster.server).toBe(CELLAR.server);
    // What kubectl rewrote is still ours to renew and to remove.
    await run("set-context", "cellar", "--namespace", "shop");
    const rewritten = await readFile(file, "utf8");
    expect(mergeKubeconfig(rewritten, [ATTIC, CELLAR], FILE)).toBe(rewritten);
    await writeFile(file, removeFromKubeconfig(rewritten, "home", ["attic", "cellar"], FILE));
    expect(await run("get-contexts", "-o", "name")).toBe("work\n");
  });
});

describe("removeFromKubeconfig", () => {
  it("removes ours only, and the choice of a context that is gone", () => {
    const merged = mergeKubeconfig(undefined, [ATTIC, { ...CELLAR, federation: "office" }], FILE);
    const rest = parse(removeFromKubeconfig(merged, "home", ["attic", "cellar"], FILE));
    expect(rest["current-context"]).toBe("");
    expect(rest.contexts.map(({ name }: { name: string }) => name)).toEqual(["cellar"]);
    expect(rest.users).toHaveLength(1);
  });

  it("gives back the very text where nothing is ours", () => {
    expect(removeFromKubeconfig(THEIRS, "home", ["work"], FILE)).toBe(THEIRS);
  });
});

describe("kubeconfigPath", () => {
  it("is the first of KUBECONFIG, else the home folder's", () => {
    expect(kubeconfigPath({ KUBECONFIG: "/a/b:/c" })).toBe("/a/b");
    expect(kubeconfigPath({ KUBECONFIG: ":/c" })).toBe("/c");
    expect(kubeconfigPath({ KUBECONFIG: "" })).toMatch(/^\/.*\/\.kube\/config$/);
    expect(kubeconfigPath({})).toMatch(/^\/.*\/\.kube\/config$/);
  });
});

describe("updateKubeconfig", () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "kubeconfig-"));
  });
  afterEach(async () => {
    await rm(dir, { recursive: true, force: true });
  });
  const merge = (text: string | undefined): string => mergeKubeconfig(text, [ATTIC], FILE);

  it("makes the file and its folder for the owner alone, and writes nothing the second time", async () => {
    const path = join(dir, ".kube/config");
    expect(await updateKubeconfig(path, merge)).toBe(true);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(dir, ".kube"))).mode & 0o777).toBe(0o700);
    const before = await stat(path);
    expect(await updateKubeconfig(path, merge)).toBe(false);
    expect((await stat(path)).ino).toBe(before.ino);
    expect(await readdir(join(dir, ".kube"))).toEqual(["config"]);
  });

  it("never loses a malformed file", async () => {
    const path = join(dir, "config");
    const torn = `${THEIRS}  {`;
    await writeFile(path, torn);
    await expect(updateKubeconfig(path, merge)).rejects.toMatchObject({ exit: 2 });
    expect(await readFile(path, "utf8")).toBe(torn);
    expect(await readdir(dir)).toEqual(["config"]);
  });

  it("writes to what a link points at", async () => {
    await writeFile(join(dir, "real"), THEIRS);
    await symlink("real", join(dir, "config"));
    await updateKubeconfig(join(dir, "config"), merge);
    expect(await readFile(join(dir, "real"), "utf8")).toContain("name: attic");
  });

  it("says so where the file cannot be read", async () => {
    await expect(updateKubeconfig(dir, merge)).rejects.toMatchObject({ exit: 3 });
    await symlink("loop", join(dir, "loop"));
    await expect(updateKubeconfig(join(dir, "loop"), merge)).rejects.toMatchObject({ exit: 3 });
  });
});
