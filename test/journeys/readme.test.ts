/** The README's first command, word for word as far as it goes: two sites from the example, each with an app that answers. */
import { rmSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import type { SiteStatus } from "#app/lab-status.ts";
import { echoAnswers } from "./echo.ts";
import { kubectlAt } from "./kubectl.ts";
import { freshState, kubeconfig, panopticon } from "./panopticon.ts";

const SITES = ["attic", "cellar"];

describe("two sites", () => {
  const state = freshState();

  afterAll(async () => {
    await panopticon(state, "lab", "down");
    rmSync(state, { recursive: true, force: true });
  });

  it("come up side by side and say what to type next", async () => {
    const { code, stdout, stderr } = await panopticon(state, "lab", "up", "--yes");
    expect(code, stderr).toBe(0);
    for (const site of SITES) expect(stdout).toContain(`${site}: 2 ECAMs, 3 control planes, 2 workers`);
    expect(stdout).toContain("panopticon lab status");
  });

  it("are well: every machine runs, every node is Ready, each VIP has one holder, etcd all its votes", async () => {
    const { code, stdout } = await panopticon(state, "lab", "status", "-o", "json");
    expect(code, stdout).toBe(0);
    const { sites } = JSON.parse(stdout) as { sites: readonly SiteStatus[] };
    expect(sites.map(({ name }) => name)).toEqual(SITES);
    for (const site of sites) {
      expect(site).toMatchObject({ well: true, api: "answers", etcd: { voting: 3, planned: 3 } });
      expect(site.holders).toHaveLength(1);
    }
  });

  it.each(SITES)("run an app on two nodes of %s that answers a pod through its ClusterIP", async (site) => {
    expect((await panopticon(state, "kubeconfig")).code).toBe(0);
    const nodes = await echoAnswers(kubectlAt(kubeconfig(state), site));
    expect(nodes.size).toBe(2);
  });
});
