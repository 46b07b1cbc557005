/** Sites join by a short-lived token, may write what is theirs and nothing else, and find the next hub by themselves. */
import { createHash } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { newKeys } from "#control/federation/join/seal.ts";
import { readJoinToken } from "#control/federation/join/token.ts";
import type { ObjectRef } from "#ports/kube.ts";
import { planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";
import {
  createMap,
  federatedMap,
  federatedRef,
  mapRef,
  SPACE,
  until,
  writeKubeconfig,
} from "./federation.ts";
import { type Ground, type Loner, startGround } from "./joining.ts";
import { core, CROWN, loose, type Loose, ours, plain, robEntries, robTheRest, SYSTEM } from "./theft.ts";

const obstacle = await planeObstacle();
describe("joining", () => {
  let ground: Ground;
  let hub: Loner;
  let two: Loner;
  let three: Loner;
  let four: Loner;
  const members = () => [hub, two, three, four];
  const soon = (what: string, holds: () => Promise<boolean>) => until(what, 180, holds, members());
  const done = async (...argv: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await ground.panopticon(...argv);
    expect({ argv, code, stderr: code === 0 ? "" : stderr }).toEqual({ argv, code: 0, stderr: "" });
    return stdout;
  };
  const token = (...argv: readonly string[]) => done("site", "token", "create", ...argv);
  const states = async (): Promise<Readonly<Record<string, string>>> => {
    const { sites, requests } = JSON.parse(await done("site", "list", "-o", "json")) as {
      sites: { name: string; ready?: boolean }[];
      requests: { spec: { site: string }; status?: { phase: string } }[];
    };
    return Object.fromEntries([
      ...sites.map(({ name, ready }) => [name, ready ? "ready" : "not ready"] as const),
      ...requests.map(({ spec, status }) => [`${spec.site}? ${status?.phase}`, ""] as const),
    ]);
  };
  const valueAt = async ({ kube }: Loner, name: string) => (await kube.find(mapRef(name)))?.data?.["value"];

  beforeEach((context) => skipWithoutPlanes(context, obstacle));
  beforeAll(async () => {
    if (obstacle !== undefined) return;
    ground = await startGround(4);
    [hub, two, three, four] = ground.loners as [Loner, Loner, Loner, Loner];
    await done("federate", "init", "--site", hub.name);
    await Promise.all(
      members().map(({ name }) => done("site", "prepare", "--site", name, "--context", name)),
    );
    hub.startAgent();
    await done("federate", "enable", "namespaces");
    await done("federate", "enable", "configmaps");
    await hub.kube.create(
      { resource: plain("namespaces") },
      {
        metadata: { name: SPACE },
      },
    );
    await done("federate", "namespace", SPACE);
    await createMap(hub.kube, federatedMap("first", { value: "1" }));
  });
  afterAll(() => ground?.remove());

  it("lets in at once whoever has the token that was made for its name, with the token's labels", async () => {
    const text = await token("--site", two.name, "--label", "region=eu", "--label", "tier=gold");
    two.startAgent("--join-token-file", ground.file("two.token", text));
    await soon("the object is there", async () => (await valueAt(two, "first")) === "1");
    const cluster = await hub.kube.get({
      resource: core("kubefedclusters"),
      namespace: SYSTEM,
      name: two.name,
    });
    expect(cluster.metadata?.labels).toEqual({ region: "eu", tier: "gold" });
    await soon("it is ready", async () => (await states())[two.name] === "ready");
    // Spent: neither the token nor the request is left.
    await soon("the request is gone", async () => !(`${two.name}? Admitted` in (await states())));
    const { items } = await hub.kube.list({
      resource: plain("serviceaccounts"),
      namespace: "panopticon-join",
    });
    expect(items.map(({ metadata }) => metadata?.name)).toEqual(["default"]);
  });

  it("goes on after a restart without its token, and never says a secret", async () => {
    await two.killAgent();
    await createMap(hub.kube, federatedMap("second", { value: "2" }));
    two.startAgent();
    await soon("the object is there", async () => (await valueAt(two, "second")) === "2");
    expect(`${hub.agentLog()}${two.agentLog()}`).not.toMatch(/eyJ[\w-]{10}|panopticon-join\./);
  });

  it("turns away a token that was withdrawn or is another site's, and keeps whoever has one for anybody waiting for a person", async () => {
    const withdrawn = await token();
    const id = readJoinToken(withdrawn).id;
    await hub.kube.delete({ resource: plain("serviceaccounts"), namespace: "panopticon-join", name: id });
    three.startAgent("--join-token-file", ground.file("withdrawn.token", withdrawn));
    expect(await three.agentEnd()).toBe(2);
    expect(three.agentLog()).toMatch(/FEDERATION_JOIN_TOKEN_EXPIRED.*\n.*site token create/);
    three.startAgent("--join-token-file", ground.file("foreign.token", await token("--site", "cellar")));
    expect(await three.agentEnd()).toBe(1);
    expect(three.agentLog()).toMatch(/FEDERATION_JOIN_REFUSED.*its token is for the site cellar/);
    three.startAgent("--join-token-file", ground.file("three.token", await token()));
    await soon("it waits", async () => `${three.name}? Pending` in (await states()));
    expect(three.agentLog()).toContain(`panopticon site admit ${three.name}`);
    expect(await valueAt(three, "first")).toBeUndefined();
    expect(await done("site", "admit", three.name)).toContain("may join");
    await soon("the object is there", async () => (await valueAt(three, "first")) === "1");
    await soon("it is ready", async () => (await states())[three.name] === "ready");
  });

  it("needs no token where it has a kubeconfig of the hub, whatever its context is called", async () => {
    const agent = await hub.plane.user(`panopticon:agent:${four.name}`, ["panopticon:agents"]);
    const file = ground.file("somewhere", "");
    writeKubeconfig(file, [["somewhere", agent]]);
    four.startAgent("--hub-kubeconfig", file);
    await soon("the object is there", async () => (await valueAt(four, "first")) === "1");
    await soon("it is ready", async () => (await states())[four.name] === "ready");
    // A request that was refused stays for people to see, until its token has expired.
    const sites = Object.keys(await states()).filter((name) => !name.includes("?"));
    expect(sites.toSorted()).toEqual(members().map(({ name }) => name));
  });

  it("says what to do about a token that is garbled, and about commands that can't be carried out", async () => {
    const agent = (...argv: readonly string[]) =>
      ground.panopticon("agent", "run", "--context", three.name, "--no-install", ...argv);
    const text = await token("--site", "cellar");
    const garbled = ground.file("garbled.token", text.slice(0, 60));
    const first = await agent("--site", "cellar", "--join-token-file", garbled);
    expect(first.code).toBe(2);
    expect(first.stderr).toContain("FEDERATION_JOIN_TOKEN_GARBLED");
    const ttl = await ground.panopticon("site", "token", "create", "--ttl", "5m");
    expect(ttl).toMatchObject({ code: 2, stderr: expect.stringContaining("FEDERATION_JOIN_TTL") as string });
    const nobody = await ground.panopticon("site", "admit", "nobody");
    expect(nobody).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("FEDERATION_REQUEST_UNKNOWN") as string,
    });
    const elsewhere = await ground.panopticon("site", "token", "create", "--context", two.name);
    expect(elsewhere).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("FEDERATION_NOT_HUB") as string,
    });
  });

  it("takes a join token for asking and nothing else, and refuses what it is not for", async () => {
    const made = readJoinToken(await token("--site", "cellar"));
    const { admin, server, authority } = hub.plane;
    const joiner = hub.plane.open({ server, authority, client: undefined as never, token: made.token });
    expect(admin.client).toBeDefined();
    const request = (name: string, changes: object = {}) => {
      const { publicKey } = newKeys();
      const spec = { site: name, token: made.id, kind: "on-prem", endpoints: ["https://x:1"], publicKey };
      const mark = createHash("sha256").update(publicKey).digest("hex").slice(0, 16);
      const head = { apiVersion: "federation.panopticon.dev/v1", kind: "SiteRequest" };
      return loose({ ...head, metadata: { name: `${name}.${mark}` }, spec: { ...spec, ...changes } });
    };
    const into = { resource: ours("siterequests") };
    await expect(joiner.create(into, request("cellar", { decision: "Admit" }))).rejects.toThrow(
      "does not decide",
    );
    await expect(joiner.create(into, request("cellar", { token: "other" }))).rejects.toThrow(
      "names the token",
    );
    for (const name of ["barn", two.name, hub.name]) {
      const wrong = await joiner.create(into, request(name));
      const ref = { resource: into.resource, name: wrong.metadata?.name ?? "" };
      await soon(`${name} is refused`, async () => (await hub.kube.get(ref)).status?.phase === "Refused");
      await expect(joiner.patch(ref, { spec: { decision: "Admit" } })).rejects.toThrow("HTTP 403");
      await expect(joiner.delete(ref)).rejects.toThrow("HTTP 403");
    }
    for (const resource of [
      plain("secrets"),
      plain("serviceaccounts"),
      core("kubefedclusters"),
      ours("crowns"),
      ours("mirrors"),
      ours("siteaccesses"),
    ])
      await expect(joiner.list({ resource })).rejects.toThrow("HTTP 403");
    await hub.kube.delete({
      resource: plain("serviceaccounts"),
      namespace: "panopticon-join",
      name: made.id,
    });
    await soon("its requests are gone", async () => !("barn? Refused" in (await states())));
    await soon("it is known no more", async () =>
      joiner.list(into).then(
        () => false,
        (error: Error) => error.message.includes("401"),
      ),
    );
  });

  it.each(["its service account's token", "a client certificate", "its name and an administrator's rights"])(
    "refuses whoever has stolen an agent's credential everything that is not that agent's: %s",
    async (which) => {
      const account = {
        resource: plain("serviceaccounts"),
        namespace: SYSTEM,
        name: `panopticon-agent-${two.name}`,
      };
      const issue = async () => {
        const ref: ObjectRef<Loose> = { ...account, subresource: "token" };
        const { server, authority } = hub.plane;
        const head = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
        const token = (await hub.kube.create(ref, head)).status?.token ?? "";
        return { server, authority, client: undefined as never, token };
      };
      const settings = which.startsWith("its")
        ? await issue()
        : await hub.plane.user(`panopticon:agent:${two.name}`, [
            which.endsWith("rights") ? "system:masters" : "panopticon:agents",
          ]);
      const thief = hub.plane.open(settings);
      await robEntries(thief, hub.kube, two.name, three.name);
      if (!which.endsWith("rights")) await robTheRest(thief);
      expect(await valueAt(hub, "first")).toBe("1");
    },
  );

  it("finds the next hub by itself when the first is gone for good", async () => {
    const access = async (site: Loner, from: string): Promise<readonly string[]> => {
      const { items } = await site.kube.list({ resource: ours("mirrors") });
      const mirror = items.find((one) => one.spec?.kind === "SiteAccess" && one.spec.name === from);
      return (mirror?.spec?.body?.spec.access ?? []).map(({ site: name }) => name);
    };
    await soon(
      "each has let the other in, and both know",
      async () =>
        (await access(three, two.name)).includes(three.name) &&
        (await access(four, two.name)).includes(four.name) &&
        (await access(two, three.name)).includes(two.name),
    );
    await hub.killAgent();
    await hub.plane.apiServer.kill();
    await hub.plane.etcd.kill();
    await soon("the members notice", async () => {
      const crowns = await Promise.all([two, three, four].map(({ kube }) => kube.get(CROWN)));
      return crowns.every((crown) => crown.status?.holder?.heard === false);
    });
    await done("crown", "move", "--to", two.name, "--take", "--context", two.name);
    await createMap(two.kube, federatedMap("after", { value: "3" }));
    await soon(
      "the other members have what was written since",
      async () => (await valueAt(three, "after")) === "3" && (await valueAt(four, "after")) === "3",
    );
    await soon("the new hub hears its status", async () => {
      const { status } = loose(await two.kube.get(federatedRef("after")));
      return status?.clusters?.some(({ name }) => name === three.name) ?? false;
    });
    // And again with nothing in memory.
    await three.killAgent();
    three.startAgent();
    await two.kube.patch(federatedRef("after"), { spec: { template: { data: { value: "4" } } } });
    await soon("it follows from the start", async () => (await valueAt(three, "after")) === "4");
    expect(three.agentLog()).toContain(`follows ${two.name}`);
  });
});
