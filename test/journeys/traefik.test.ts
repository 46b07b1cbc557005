/**
 * The front door of a site, with the real Traefik: every name of the domain is
 * there once more below the site's own name, and nobody comes in by a forged one.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect } from "node:tls";
import type { Deployment } from "kubernetes-types/apps/v1.d.ts";
import { applyAll } from "#converge/objects.ts";
import type { Applied, KubeObject } from "#ports/kube.ts";
import { RETRY_LABEL, RETRY_MIDDLEWARE } from "#render/traefik/names.ts";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type Backend, ownAddress, type Seen, startBackend } from "../front/backend.ts";
import { type Answer, type Asked, type Client, openClient } from "../front/client.ts";
import { addedLatency } from "../front/latency.ts";
import { frontDefinitions, frontObstacle, frontProgram } from "../front/programs.ts";
import { applyLimits, applyRoutes, halfDead, KINDS } from "../front/routes.ts";
import { applyDefinitions, type Door, openDoor } from "../front/traefik.ts";
import { startPlane, type Plane } from "../kube/plane.ts";
import { skipWithoutPlanes } from "../kube/programs.ts";

const obstacle = await frontObstacle();
const OURS = ownAddress();

let plane: Plane;
let backend: Backend;
let door: Door;
let client: Client;

beforeAll(async () => {
  if (obstacle !== undefined) return;
  backend = await startBackend();
  plane = await startPlane({ controllers: false, durable: false });
  await applyDefinitions(plane, await frontDefinitions());
  await applyRoutes(plane.open(), "home.test", backend);
  door = await openDoor(plane, "door", { program: await frontProgram() });
  client = openClient(door.ports, door.authority);
  await told(client, KINDS);
});
afterAll(async () => {
  await client?.close();
  await door?.process.kill();
  await plane?.remove();
  await backend?.close();
});
beforeEach((context) => skipWithoutPlanes(context, obstacle));

const statusOf = async (name: string, asked?: Asked) => (await client.get(name, asked)).status;
const seen = (answer: Answer) => JSON.parse(answer.text) as Seen;
const told = async (who: Client, kinds: readonly string[]) => {
  for (const kind of kinds)
    await vi.waitFor(async () => expect((await who.get(`${kind}.home.test`)).status).toBe(200), {
      timeout: 30_000,
      interval: 100,
    });
};

describe.each(KINDS)("a route of kind %s", (kind) => {
  const direct = `${kind}.home.test`;
  const atSite = `${kind}.site1.home.test`;

  it("reaches the same by its name and by its name at the site", async () => {
    const path = "/a%20b/c%2Fd?e=f&g;h";
    const [one, other] = [seen(await client.get(direct, { path })), seen(await client.get(atSite, { path }))];
    expect(one.host).toBe(direct);
    expect(one.headers).toMatchObject({
      "x-forwarded-for": OURS,
      "x-forwarded-host": direct,
      "x-forwarded-port": "443",
      "x-forwarded-proto": "https",
      "x-real-ip": OURS,
    });
    // It came through this machine's own door twice, which is said behind the client; the name is what was asked for.
    expect(other).toEqual({
      ...one,
      headers: { ...one.headers, "x-forwarded-for": `${OURS}, 127.0.0.1`, "x-forwarded-host": atSite },
    });
  });

  it.each([direct, atSite])("speaks WebSocket as %s", async (name) => {
    const host = `${direct}:${door.ports.websecure}`;
    expect(await client.talk(name, ["one", "two"])).toEqual([`${host} says one`, `${host} says two`]);
  });

  it.each([direct, atSite])("streams 200 MB to %s", async (name) => {
    const piece = Buffer.alloc(1 << 20, "panopticon");
    const hash = createHash("sha256");
    const before = backend.received();
    async function* pieces(): AsyncGenerator<Uint8Array> {
      for (let count = 0; count < 200; count++) {
        hash.update(piece);
        yield piece;
        // What has arrived before all was sent was not kept anywhere on the way.
        if (count === 20)
          await vi.waitUntil(() => backend.received() - before > 10 << 20, { timeout: 10_000 });
      }
    }
    const answer = await client.get(name, { method: "POST", body: pieces() });
    expect(seen(answer)).toMatchObject({ bytes: 200 << 20, sha256: hash.digest("hex") });
  });

  it.each([direct, atSite])("answers whole as %s, however many ask at once", async (name) => {
    const askers = Array.from({ length: 16 }, async () => {
      for (let count = 0; count < 30; count++) expect(seen(await client.get(name)).host).toBe(direct);
    });
    await Promise.all(askers);
  });

  it.each([direct, atSite])("believes nothing that a client says of itself as %s", async (name) => {
    const forged = {
      "x-forwarded-for": "10.1.2.3",
      "x-forwarded-host": "bank.example",
      "x-forwarded-proto": "http",
      "x-forwarded-port": "1",
      "x-forwarded-server": "elsewhere",
      "x-real-ip": "10.1.2.3",
      x_forwarded_for: "10.1.2.3",
      X_Real_Ip: "10.1.2.3",
      forwarded: "for=10.1.2.3",
    };
    const plain = seen(await client.get(name)).headers;
    const { forwarded: _, ...headers } = seen(await client.get(name, { headers: forged })).headers;
    expect(headers).toEqual(plain);
    // Nor can it have Traefik's own words taken away as if they were for the next hop only.
    const connection = "keep-alive, x-forwarded-for, x-real-ip, x-forwarded-host, x-forwarded-proto";
    expect(seen(await client.get(name, { headers: { connection } })).headers).toEqual(plain);
  });
});

describe("names", () => {
  it("are the same in capitals and with the dot of the root", async () => {
    for (const host of ["ROUTE.Site1.home.TEST", "route.site1.home.test.", "route.site1.home.test:443"])
      expect(await statusOf("route.site1.home.test", { host })).toBe(200);
  });

  it("that hold the site twice, or another's, or only seem to, lead nowhere", async () => {
    const hosts = [
      "route.site1.site1.home.test",
      "route.site1.home.test.site1.home.test",
      "route.site2.home.test",
      "route.site1xhome.test",
      "site1.home.test",
      "xsite1.home.test",
      "route.home.test.evil.example",
      "control.site1.home.test.evil.example",
    ];
    for (const host of hosts) expect(await statusOf("home.test", { host }), host).toBe(404);
  });

  it("at the site have the limits that the docs tell of, and none of them opens anything", async () => {
    await applyLimits(plane.open(), "home.test", OURS);
    await told(client, ["limited", "strict"]);
    expect(await statusOf("limited.site1.home.test")).toBe(403);
    expect(await statusOf("strict.site1.home.test")).toBe(421);
  });

  it("tell over HTTPS that the site is well, for whoever steers", async () => {
    expect(await client.get("health.site1.home.test")).toMatchObject({ status: 200, text: "OK" });
  });

  it("lead from HTTP to HTTPS, but where a certificate is proved", async () => {
    for (const name of ["route.home.test", "route.site1.home.test"]) {
      const { status, headers } = await client.plain(name, { path: "/x?y" });
      expect({ status, to: headers["location"] }).toEqual({
        status: 301,
        to: `https://${name}:${door.ports.websecure}/x?y`,
      });
    }
    const path = "/.well-known/acme-challenge/token";
    for (const name of ["ingress.home.test", "ingress.site1.home.test"])
      expect(seen(await client.plain(name, { path }))).toMatchObject({
        host: "ingress.home.test",
        url: path,
      });
  });

  it("are spoken to by TLS 1.2 or later", async () => {
    const version = async (only: "TLSv1.1" | "TLSv1.2" | "TLSv1.3") =>
      await new Promise<string | null>((resolve) => {
        const socket = connect({
          host: OURS,
          port: door.ports.websecure,
          servername: "route.site1.home.test",
          ca: door.authority,
          minVersion: only,
          maxVersion: only,
          // Our own OpenSSL would refuse it before Traefik could.
          ...(only === "TLSv1.1" && { ciphers: "DEFAULT@SECLEVEL=0" }),
        });
        socket.on("secureConnect", () => resolve(socket.getProtocol()));
        socket.on("error", () => resolve(null));
        socket.on("close", () => resolve(null));
      });
    expect(await version("TLSv1.1")).toBe(null);
    expect(await version("TLSv1.2")).toBe("TLSv1.2");
    expect(await version("TLSv1.3")).toBe("TLSv1.3");
  });
});

describe("panels", () => {
  const API = "/traefik/api/overview";
  const right = () => basic(door.credential.user, door.credential.password);

  it.each(["control.home.test", "control.site1.home.test"])(
    "are shown at %s with the credential",
    async (name) => {
      const answer = await client.get(name, { path: API, headers: { authorization: right() } });
      expect(answer.status).toBe(200);
      expect(JSON.parse(answer.text)).toHaveProperty("http.routers");
      const top = await client.get(name, { path: "/traefik/", headers: { authorization: right() } });
      expect(top).toMatchObject({ status: 302, headers: { location: API } });
    },
  );

  it("of a service are below its name, and the credential goes no further", async () => {
    for (const name of ["control.home.test", "control.site1.home.test"]) {
      const asked = { path: "/shop/admin/orders?open", headers: { authorization: right() } };
      const { url, headers } = seen(await client.get(name, asked));
      expect(url).toBe("/admin/orders?open");
      expect(headers).toMatchObject({ "x-forwarded-prefix": "/shop", "x-forwarded-host": name });
      expect(headers).not.toHaveProperty("authorization");
      // What is no panel of it is nowhere.
      expect(await statusOf(name, { ...asked, path: "/shop/else" })).toBe(404);
    }
  });

  it("are guarded though their own route says nothing of it", async () => {
    for (const name of ["control.home.test", "control.site1.home.test"]) {
      expect(await statusOf(name, { path: "/open" })).toBe(401);
      const { url } = seen(await client.get(name, { path: "/open", headers: { authorization: right() } }));
      expect(url).toBe("/open");
      // Nor by HTTP, not even where certificates are proved.
      for (const path of ["/open", "/.well-known/acme-challenge/../../open"])
        expect(await client.plain(name, { path })).toMatchObject({ status: 301 });
    }
  });

  it("are listed at their root, and what is none is nowhere", async () => {
    const headers = { authorization: right() };
    const { status, text, headers: said } = await client.get("control.site1.home.test", { headers });
    expect({ status, policy: said["content-security-policy"] }).toMatchObject({
      status: 200,
      policy: expect.stringContaining("default-src 'none'"),
    });
    expect(text).toContain('<a href="/haproxy/attic-ecam-1">');
    expect(await statusOf("control.home.test", { headers, path: "/nothing" })).toBe(404);
    // What its script asks for the panels of services.
    const list = await client.get("control.home.test", {
      headers,
      path: "/traefik/api/http/routers?per_page=1000",
    });
    expect(list.text).toContain('PathPrefix(\\"/shop/admin');
  });

  it("are closed to everybody else, by whatever name, path or header", async () => {
    const attempts: Asked[] = [
      {},
      { host: "CONTROL.home.test" },
      { host: "control.home.test." },
      { host: "control.home.test:80" },
      { sni: "route.home.test" },
      { headers: { authorization: basic("operator", "") } },
      { headers: { authorization: basic("", "") } },
      { headers: { authorization: basic(door.credential.user, `${door.credential.password}x`) } },
      { headers: { "x-forwarded-host": "route.home.test", "x-forwarded-for": "127.0.0.1" } },
      { headers: { "x-forwarded-user": "operator", "x-real-ip": "127.0.0.1" } },
      { path: "/" },
      { path: "/shop/admin" },
      { path: "/shop/admin/", headers: { "x-forwarded-prefix": "/" } },
      { path: "/haproxy/" },
      { path: "/haproxy/attic-ecam-1" },
      { path: "//traefik/api/rawdata" },
      { path: "/haproxy/../traefik/api/rawdata" },
      { path: "/.well-known/../traefik/api/rawdata" },
    ];
    for (const name of ["control.home.test", "control.site1.home.test"])
      for (const attempt of attempts) {
        const host = attempt.host?.replace(/home/i, name.includes("site1") ? "site1.home" : "home");
        const asked = { path: API, ...attempt, ...(host !== undefined && { host }) };
        expect(await statusOf(name, asked), `${name} ${JSON.stringify(asked)}`).toBe(401);
      }
  });

  it("are at no other name, whatever a header says", async () => {
    const headers = { "x-forwarded-host": "control.home.test", authorization: right() };
    for (const host of ["route.home.test", "route.site1.home.test"])
      expect(seen(await client.get("home.test", { host, path: API, headers }))).toMatchObject({
        url: API,
        host: "route.home.test",
      });
    for (const host of ["control.home.test.evil.example", "control.site1.home.test.evil.example"])
      expect(await statusOf("home.test", { host, path: API, headers })).toBe(404);
  });
});

describe("a service of which one pod is dead", () => {
  const ingresses = {
    resource: { group: "networking.k8s.io", version: "v1", plural: "ingresses" },
    namespace: "shop",
  };
  const statuses = async (name: string): Promise<readonly number[]> => {
    const found: number[] = [];
    for (let count = 0; count < 10; count++) found.push(await statusOf(`${name}.home.test`));
    return found;
  };

  it("answers every request where its route has the label that service files' routes have", async () => {
    const kube = plane.open();
    const shop = await kube.get<KubeObject>({ ...ingresses, name: "shop" });
    const label = { [RETRY_LABEL]: shop.metadata?.labels?.[RETRY_LABEL] ?? "" };
    const [steady, shaky] = [
      halfDead("steady", "home.test", backend, label),
      halfDead("shaky", "home.test", backend, {}),
    ];
    // A policy is in force a moment after it was written.
    await vi.waitFor(
      async () => {
        const { metadata } = await kube.create(ingresses, steady.ingress as KubeObject, { dryRun: true });
        expect(Object.values(metadata?.annotations ?? {})).toContain(RETRY_MIDDLEWARE);
      },
      { timeout: 30_000, interval: 200 },
    );
    for (const { ingress, others } of [steady, shaky]) await applyAll(kube, [...others, ingress]);
    await told(client, ["steady", "shaky"]);
    expect(new Set(await statuses("steady"))).toEqual(new Set([200]));
    expect(new Set(await statuses("shaky"))).toEqual(new Set([200, 502]));
  });

  it("keeps the middlewares that somebody has chosen", async () => {
    const { ingress } = halfDead("chosen", "home.test", backend, { [RETRY_LABEL]: "true" });
    const annotations = { "traefik.ingress.kubernetes.io/router.middlewares": "shop-limited@kubernetescrd" };
    const chosen: Applied<KubeObject> = { ...ingress, metadata: { ...ingress.metadata, annotations } };
    const { metadata } = await plane.open().create(ingresses, chosen as KubeObject, { dryRun: true });
    expect(metadata?.annotations).toEqual(annotations);
  });
});

describe("Traefik in the cluster", () => {
  const inNamespace = (group: string, version: string, plural: string) => ({
    resource: { group, version, plural },
    namespace: "traefik",
    name: "traefik",
  });

  it("has pods such as the strictest standard lets in", async () => {
    const kube = plane.open();
    const { spec } = await kube.get<Deployment>(inNamespace("apps", "v1", "deployments"));
    const pod = { apiVersion: "v1", kind: "Pod", metadata: { name: "traefik", namespace: "traefik" } };
    const pods = { resource: { group: "", version: "v1", plural: "pods" }, namespace: "traefik" };
    const ours = { ...pod, spec: spec?.template.spec };
    await kube.create(pods, ours, { dryRun: true });
    // The standard is in force: it refuses what asks for more.
    const more = { ...ours, spec: { ...ours.spec, hostPID: true } };
    await expect(kube.create(pods, more, { dryRun: true })).rejects.toThrow("restricted");
  });

  it("has every right that it needs, and tells routes their address", async () => {
    const kube = plane.open();
    const ip = "10.11.0.180";
    await kube.patch(
      { ...inNamespace("", "v1", "services"), subresource: "status" },
      { status: { loadBalancer: { ingress: [{ ip }] } } },
    );
    const at = { namespace: "shop", name: "shop" };
    const ingresses = { group: "networking.k8s.io", version: "v1", plural: "ingresses" };
    await vi.waitFor(
      async () =>
        expect(await kube.get({ resource: ingresses, ...at })).toMatchObject({
          status: { loadBalancer: { ingress: [{ ip }] } },
        }),
      { timeout: 20_000 },
    );
    expect(await kube.get(inNamespace("gateway.networking.k8s.io", "v1", "gateways"))).toMatchObject({
      status: {
        addresses: [{ value: ip }],
        conditions: expect.arrayContaining([expect.objectContaining({ type: "Programmed", status: "True" })]),
      },
    });
    const log = readFileSync(door.process.log, "utf8").split("\n");
    expect(log.filter((line) => /forbidden|is not allowed/i.test(line))).toEqual([]);
  });
});

it("a name at the site costs a few milliseconds at most, on a busy machine too", async () => {
  const { direct, atSite } = await addedLatency(client, "route", 300);
  expect(atSite.p50 - direct.p50).toBeLessThan(20);
});

it("a plugin that is broken breaks names at the site, and nothing else", async () => {
  const broken = await openDoor(plane, "broken", {
    program: await frontProgram(),
    sitename: "package sitename\n\nfunc New( {\n",
  });
  const other = openClient(broken.ports, broken.authority);
  try {
    await told(other, KINDS);
    expect((await other.get("route.site1.home.test")).status).toBe(404);
    expect((await other.get("control.home.test", { path: "/traefik/api/overview" })).status).toBe(401);
    expect((await other.get("health.site1.home.test")).status).toBe(200);
    expect(readFileSync(broken.process.log, "utf8")).toContain("failed to import plugin code");
  } finally {
    await other.close();
    await broken.process.kill();
  }
});

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
}
