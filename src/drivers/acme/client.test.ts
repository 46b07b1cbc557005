/** What an authority says when it does not want to: Pebble, in the journey, shows the rest. */
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import type { Acme } from "#ports/acme.ts";
import { makeCertificates, type PlaneCertificates } from "../../../test/kube/certificates.ts";
import { openAcme } from "./client.ts";

interface Said {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

let folder: string;
let keys: PlaneCertificates;
let server: Server;
let base: string;
let acme: Acme;
/** What it answers to new orders, in turn; the last one for ever. */
let answers: Said[];
let asked: { readonly path: string; readonly nonce: string; readonly kid: unknown }[];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "panopticon-acme-"));
  keys = await makeCertificates(folder);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeEach(async () => {
  answers = [];
  asked = [];
  const own = { key: readFileSync(keys.serverKeyFile), cert: readFileSync(keys.serverFile) };
  server = createServer(own, (request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const { status = 200, headers = {}, body = {} } = answerTo(request.url ?? "", Buffer.concat(parts));
      const nonce = { "replay-nonce": `nonce-${asked.length}` };
      response.writeHead(status, { ...nonce, ...headers });
      response.end(typeof body === "string" ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `https://localhost:${(server.address() as AddressInfo).port}`;
  acme = open(keys.authority.certificate);
});
afterEach(async () => {
  await acme.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function open(trusted?: string): Acme {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const accountKey = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const settings = { directory: `${base}/dir`, email: "me@home.test", accountKey };
  return openAcme({ ...settings, ...(trusted !== undefined && { authority: trusted }) });
}

function answerTo(path: string, body: Buffer): Said {
  if (path === "/dir")
    return { body: { newNonce: `${base}/nonce`, newAccount: `${base}/account`, newOrder: `${base}/order` } };
  if (path === "/nonce") return {};
  const { protected: head } = JSON.parse(body.toString()) as { protected: string };
  const { nonce, kid } = JSON.parse(Buffer.from(head, "base64url").toString()) as Record<string, string>;
  asked.push({ path, nonce: nonce ?? "", kid });
  if (path === "/account") return { status: 201, headers: { location: "/account/1" } };
  return (answers.length > 1 ? answers.shift() : answers[0]) ?? {};
}

function problem(type: string, detail: string): Said {
  return { status: 403, body: { type: `urn:ietf:params:acme:error:${type}`, detail } };
}

const ORDER: Said = {
  status: 201,
  headers: { location: "/order/7" },
  body: { status: "pending", authorizations: [], finalize: "https://localhost/f" },
};

it("makes an order with one account, a nonce for each request, and again where a nonce is not taken", async () => {
  const stale = { ...problem("badNonce", "too old"), status: 400 };
  answers = [stale, stale, ORDER];
  expect(await acme.order(["home.test"])).toMatchObject({ url: `${base}/order/7`, status: "pending" });
  await acme.order(["home.test"]);
  expect(asked.map(({ path }) => path)).toEqual(["/account", "/order", "/order", "/order", "/order"]);
  expect(asked.map(({ kid }) => kid)).toEqual([
    undefined,
    ...Array.from({ length: 4 }, () => `${base}/account/1`),
  ]);
  expect(new Set(asked.map(({ nonce }) => nonce)).size).toBe(5);
});

it.each([
  ["caa", "CAA record for home.test prevents issuance", /CERTIFICATE_CAA .*CAA record for home\.test/],
  ["userActionRequired", "terms have changed", /CERTIFICATE_TERMS .*terms have changed/],
  ["externalAccountRequired", "bind it", /CERTIFICATE_ACCOUNT .*bind it/],
  ["rejectedIdentifier", "policy forbids", /CERTIFICATE_REFUSED .*\(rejectedIdentifier\).*policy forbids/],
])("tells a refusal for %s by its own code, in the authority's words", async (type, detail, told) => {
  answers = [problem(type, detail)];
  await expect(acme.order(["home.test"])).rejects.toThrow(told);
});

it("says how long to wait where it has given enough, by seconds or by a date", async () => {
  answers = [
    { ...problem("rateLimited", "too many certificates"), status: 429, headers: { "retry-after": "3600" } },
  ];
  await expect(acme.order(["home.test"])).rejects.toThrow(/CERTIFICATE_RATE_LIMIT[^]*Try again in 60 min/);
  const date = new Date(Date.now() + 90_000).toUTCString();
  answers = [{ ...problem("rateLimited", "too many"), status: 429, headers: { "retry-after": date } }];
  await expect(acme.order(["home.test"])).rejects.toThrow(/Try again in (89|90) s/);
});

it("names each name that is refused", async () => {
  const type = "urn:ietf:params:acme:error:caa";
  const subproblems = [{ type, detail: "forbidden", identifier: { type: "dns", value: "a.home.test" } }];
  answers = [{ status: 403, body: { type, detail: "some names", subproblems } }];
  await expect(acme.order(["a.home.test"])).rejects.toThrow("some names; a.home.test: forbidden");
});

it("finds no order where it is gone or another account's", async () => {
  answers = [{ ...problem("malformed", "no such order"), status: 404 }];
  expect(await acme.look(`${base}/order/7`)).toBeUndefined();
  answers = [problem("unauthorized", "not yours")];
  expect(await acme.look(`${base}/order/7`)).toBeUndefined();
});

it.each([
  [{ status: 502, body: "<html>bad gateway</html>" }, /CERTIFICATE_AUTHORITY_ODD .*HTTP 502/],
  [{ ...ORDER, body: "not JSON" }, /CERTIFICATE_AUTHORITY_ODD .*not JSON/],
  [{ ...ORDER, body: { status: "odd" } }, /CERTIFICATE_AUTHORITY_ODD .*no ACME authority/],
  [{ ...ORDER, headers: {} }, /CERTIFICATE_AUTHORITY_ODD .*no place for the order/],
])("says that what answers is no authority: %j", async (answer, told) => {
  answers = [answer];
  await expect(acme.order(["home.test"])).rejects.toThrow(told);
});

it("trusts nobody but who is named, and says who can't be reached", async () => {
  const stranger = open();
  await expect(stranger.order(["home.test"])).rejects.toThrow(
    /CERTIFICATE_AUTHORITY_UNTRUSTED[^]*authorityFile/,
  );
  await stranger.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await expect(acme.order(["home.test"])).rejects.toThrow(/CERTIFICATE_AUTHORITY_SILENT .*ECONNREFUSED/);
});
