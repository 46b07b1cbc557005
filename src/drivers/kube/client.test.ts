import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type Server, createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { mustRun } from "#base/process.ts";
import { type Kube, KubeError, type KubeObject, type Resource } from "#ports/kube.ts";
import { openKube } from "./client.ts";
import type { KubeSettings } from "./transport.ts";

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;
interface Thing extends KubeObject {
  readonly spec?: { readonly size?: number };
}

const THINGS: Resource<Thing> = { group: "example.org", version: "v1", plural: "things" };
const NODES: Resource = { group: "", version: "v1", plural: "nodes" };
const REF = { resource: THINGS, namespace: "shed", name: "one" };

let dir: string;
let server: Server;
let settings: KubeSettings;
let kube: Kube;
let handler: Handler;
/** `METHOD path` of every request that arrived. */
let seen: string[];
let connections: Set<TLSSocket>;

/** A self-signed certificate and key, PEM. */
async function selfSigned(
  name: string,
  ...extensions: string[]
): Promise<{ certificate: string; key: string }> {
  const [keyFile, certFile] = [join(dir, `${name}.key`), join(dir, `${name}.crt`)];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"];
  const files = ["-keyout", keyFile, "-out", certFile, "-subj", `/CN=${name}`];
  const extra = extensions.flatMap((extension) => ["-addext", extension]);
  await mustRun("TEST", ["openssl", "req", "-x509", ...curve, ...files, ...extra]);
  return { certificate: await readFile(certFile, "utf8"), key: await readFile(keyFile, "utf8") };
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "kube-"));
  const own = await selfSigned("server", "subjectAltName=DNS:api.shed.example,IP:127.0.0.1");
  const client = await selfSigned("client");
  const tls = { cert: own.certificate, key: own.key, ca: client.certificate, requestCert: true };
  server = createServer({ ...tls, rejectUnauthorized: true }, (request, response) => {
    seen.push(`${request.method} ${request.url}`);
    connections.add(request.socket as TLSSocket);
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => handler(request, response, body));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  settings = { server: `https://127.0.0.1:${port()}`, authority: own.certificate, client };
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(dir, { recursive: true, force: true });
});
beforeEach(() => {
  seen = [];
  connections = new Set();
  kube = openKube(settings);
});
afterEach(async () => await kube.close());

function port(): number {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("not listening");
  return address.port;
}

function answer(
  response: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
}

function status(reason: string, message: string): object {
  return { kind: "Status", apiVersion: "v1", status: "Failure", reason, message };
}

/** Answers with one after the other; the last one again and again. */
function answers(...list: (readonly [number, unknown, Record<string, string>?])[]): void {
  handler = (_request, response) => {
    const [code, value, headers] = (list.length > 1 ? list.shift() : list[0]) ?? [500, {}];
    answer(response, code, value, headers);
  };
}

async function failureOf(work: Promise<unknown>): Promise<KubeError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof KubeError)) throw new Error(`expected a KubeError, got ${String(error)}`);
  return error;
}

const codeOf = (error: KubeError): string | undefined => error.problems[0]?.code;

describe("requests", () => {
  it("go where the API has the object, in the form it reads", async () => {
    const sent: string[] = [];
    handler = (request, response, body) => {
      sent.push(`${request.headers["content-type"] ?? "-"} ${body || "-"}`);
      answer(response, 200, { metadata: { name: "one" } });
    };
    const object = { apiVersion: "example.org/v1", kind: "Thing", spec: { size: 2 } };
    expect(await kube.get(REF)).toEqual({ metadata: { name: "one" } });
    await kube.create({ resource: THINGS, namespace: "shed" }, object);
    await kube.apply({ ...REF, subresource: "status" }, object);
    await kube.patch({ resource: NODES, name: "a b" }, { metadata: { labels: null } });
    await kube.delete(REF, { propagation: "Foreground" });
    const path = "/apis/example.org/v1/namespaces/shed/things";
    expect(seen).toEqual([
      `GET ${path}/one`,
      `POST ${path}?fieldManager=panopticon`,
      `PATCH ${path}/one/status?fieldManager=panopticon&force=true`,
      "PATCH /api/v1/nodes/a%20b?fieldManager=panopticon",
      `DELETE ${path}/one`,
    ]);
    expect(sent).toEqual([
      "- -",
      `application/json ${JSON.stringify(object)}`,
      `application/apply-patch+yaml ${JSON.stringify(object)}`,
      `application/merge-patch+json {"metadata":{"labels":null}}`,
      `application/json {"propagationPolicy":"Foreground"}`,
    ]);
  });

  it("share connections, shown with our certificate", async () => {
    const peers = new Set<string>();
    handler = (request, response) => {
      peers.add(String((request.socket as TLSSocket).getPeerCertificate().subject.CN));
      answer(response, 200, {});
    };
    for (let count = 0; count < 10; count += 1) await kube.get(REF);
    // undici opens a second one where the first has not been read to its end yet.
    expect(connections.size).toBeLessThanOrEqual(2);
    await Promise.all(Array.from({ length: 60 }, () => kube.get(REF)));
    expect(connections.size).toBeLessThanOrEqual(16);
    expect(peers).toEqual(new Set(["client"]));
  });

  it("tell an absent object from other refusals where that is asked", async () => {
    answers([404, status("NotFound", 'things "one" not found')]);
    expect(await kube.find(REF)).toBeUndefined();
    expect(await kube.delete(REF)).toBe(false);
    answers([403, status("Forbidden", "no")]);
    expect(codeOf(await failureOf(kube.find(REF)))).toBe("KUBE_FORBIDDEN");
    expect(codeOf(await failureOf(kube.delete(REF)))).toBe("KUBE_FORBIDDEN");
  });

  it("give any HTTP status of a raw path as an answer, at once", async () => {
    handler = (_request, response) => response.writeHead(503).end("[-]etcd failed");
    expect(await kube.raw("/readyz?verbose")).toEqual({ status: 503, text: "[-]etcd failed" });
    expect(seen).toEqual(["GET /readyz?verbose"]);
  });
});

describe("list", () => {
  it("asks page by page, with its selectors on every one", async () => {
    answers(
      [
        200,
        {
          items: [{ spec: { size: 1 } }, { spec: { size: 2 } }],
          metadata: { continue: "t/1", resourceVersion: "7" },
        },
      ],
      [200, { items: [{ spec: { size: 3 } }], metadata: { continue: "", resourceVersion: "7" } }],
    );
    const list = await kube.list({ resource: THINGS }, { pageSize: 2, labelSelector: "a=b,c" });
    expect(list).toEqual({ items: [1, 2, 3].map((size) => ({ spec: { size } })), resourceVersion: "7" });
    expect(seen).toEqual([
      "GET /apis/example.org/v1/things?labelSelector=a%3Db%2Cc&limit=2",
      "GET /apis/example.org/v1/things?labelSelector=a%3Db%2Cc&limit=2&continue=t%2F1",
    ]);
  });

  it("starts over in one piece where the server has forgotten the first page", async () => {
    answers(
      [200, { items: [{}], metadata: { continue: "old", resourceVersion: "7" } }],
      [410, status("Expired", "The provided continue parameter is too old")],
      [200, { items: [{}, {}], metadata: { resourceVersion: "9" } }],
    );
    const { items, resourceVersion } = await kube.list({ resource: NODES });
    expect([items.length, resourceVersion]).toEqual([2, "9"]);
    expect(seen.at(-1)).toBe("GET /api/v1/nodes?");
  });
});

describe("refusals", () => {
  it("carry the API's status, reason and words", async () => {
    answers([409, status("AlreadyExists", 'things "one" already exists')]);
    const error = await failureOf(kube.create({ resource: THINGS }, {}));
    expect(error).toMatchObject({ status: 409, reason: "AlreadyExists", exit: 3 });
    expect(error.message).toContain("KUBE_ALREADY_EXISTS");
    expect(error.message).toContain('things "one" already exists');
    expect(error.message).toContain("POST /apis/example.org/v1/things");
  });

  it("are understood without a Status object, and so is an answer that is no JSON", async () => {
    handler = (_request, response) => response.writeHead(502).end("<html>bad gateway</html>");
    const error = await failureOf(kube.get(REF));
    expect([codeOf(error), error.status]).toEqual(["KUBE_REFUSED", 502]);
    expect(error.message).toContain("bad gateway");
    handler = (_request, response) => response.writeHead(200).end("<html>");
    expect(codeOf(await failureOf(kube.get(REF)))).toBe("KUBE_UNREADABLE");
  });
});

describe("trying again", () => {
  const BUSY = [429, status("TooManyRequests", "slow down"), { "retry-after": "0" }] as const;
  const UNAVAILABLE = [503, status("ServiceUnavailable", "not now")] as const;
  const GOOD = [200, {}] as const;

  it("follows a 429 that says when, whatever the method", async () => {
    answers(BUSY, BUSY, GOOD);
    await kube.create({ resource: THINGS }, {});
    expect(seen).toHaveLength(3);
  });

  it("follows a 503 where twice is the same as once, and no further", async () => {
    answers(UNAVAILABLE, GOOD);
    await kube.get(REF);
    answers(UNAVAILABLE, GOOD);
    await kube.apply(REF, { apiVersion: "example.org/v1", kind: "Thing" });
    expect(seen).toHaveLength(4);
    answers(UNAVAILABLE, GOOD);
    expect(codeOf(await failureOf(kube.create({ resource: THINGS }, {})))).toBe("KUBE_UNAVAILABLE");
    expect(seen).toHaveLength(5);
  });

  it("ends, with the last refusal", async () => {
    answers(BUSY);
    expect(codeOf(await failureOf(kube.get(REF)))).toBe("KUBE_BUSY");
    expect(seen).toHaveLength(5);
  });

  it("does not repeat a request that the server may have acted on", async () => {
    handler = (request) => request.socket.destroy();
    expect(codeOf(await failureOf(kube.create({ resource: THINGS }, {})))).toBe("KUBE_UNREACHABLE");
    expect(seen).toHaveLength(1);
  });

  it("repeats a read over a connection that broke", async () => {
    handler = (request) => {
      request.socket.destroy();
      answers(GOOD);
    };
    await kube.get(REF);
    expect(seen).toHaveLength(2);
  });

  it("stops when its caller stops it, with the caller's reason", async () => {
    answers([429, status("TooManyRequests", "later"), { "retry-after": "5" }]);
    const stop = new AbortController();
    const work = kube.get(REF, { signal: stop.signal });
    handler = (_request, response) => {
      answer(response, 429, {}, { "retry-after": "5" });
      stop.abort(new Error("the operator pressed Ctrl-C"));
    };
    await expect(work).rejects.toThrow("the operator pressed Ctrl-C");
    expect(seen).toHaveLength(1);
  });
});

describe("the server's identity", () => {
  const codeWith = async (changes: Partial<KubeSettings>): Promise<string | undefined> => {
    answers([200, {}]);
    const other = openKube({ ...settings, ...changes });
    try {
      await other.create({ resource: THINGS }, {});
      return undefined;
    } catch (error) {
      return error instanceof KubeError ? codeOf(error) : String(error);
    } finally {
      await other.close();
    }
  };

  it("is its certificate, for the address or the name that is asked for", async () => {
    expect(await codeWith({})).toBeUndefined();
    expect(await codeWith({ servername: "api.shed.example" })).toBeUndefined();
    expect(await codeWith({ servername: "api.other.example" })).toBe("KUBE_TLS");
    expect(await codeWith({ authority: settings.client?.certificate ?? "" })).toBe("KUBE_TLS");
  });

  it("may be missing: nothing listens, or nothing answers in time", async () => {
    expect(await codeWith({ server: "https://127.0.0.1:1" })).toBe("KUBE_UNREACHABLE");
    handler = () => undefined;
    const error = await failureOf(kube.create({ resource: THINGS }, {}, { timeoutSeconds: 0.2 }));
    expect([codeOf(error), error.status]).toEqual(["KUBE_TIMEOUT", 0]);
  });
});
