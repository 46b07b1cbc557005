/** An ACME authority in memory: it signs real certificates, and looks for proofs at every name server. */
import { createPrivateKey, type KeyObject } from "node:crypto";
import { worldFailed } from "#base/errors.ts";
import type { KeyedCertificate } from "#converge/pki/x509.ts";
import type { Acme, AcmeAuthorization, AcmeOrder, AcmeStatus } from "#ports/acme.ts";
import { proofName } from "../proofs.ts";
import type { TestNameServer } from "./name-server.ts";

const DAYS = 90;
const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17";
const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

interface Order {
  readonly names: readonly string[];
  /** Of each name. */
  readonly proved: AcmeStatus[];
  status: AcmeStatus;
  certificate?: string;
}

/** Another key or other names than were ordered. */
interface Gift {
  readonly publicKey?: KeyObject;
  readonly names?: readonly string[];
}

export class TestAuthority implements Acme {
  readonly orders: Order[] = [];
  /** Server, name and number of texts, when it looked for the first time. */
  readonly seen: string[] = [];
  answered = 0;
  /** It was asked to look before every server had the proof. */
  tooEarly = false;
  disbelieves: string | undefined;
  gives: Gift = {};
  /** Why it does not sign. */
  refusal: Error | undefined;
  private readonly signer: KeyedCertificate;
  private readonly servers: readonly TestNameServer[];
  private readonly mark: string;

  /** @param mark is in all its texts */
  constructor(signer: KeyedCertificate, servers: readonly TestNameServer[], mark = "") {
    this.signer = signer;
    this.servers = servers;
    this.mark = mark;
  }

  async order(names: readonly string[]): Promise<AcmeOrder> {
    this.orders.push({ names, proved: names.map(() => "pending"), status: "pending" });
    return this.shown(this.orders.length - 1);
  }

  async look(url: string): Promise<AcmeOrder | undefined> {
    return this.orders[Number(url)] && this.shown(Number(url));
  }

  async authorization(url: string): Promise<AcmeAuthorization> {
    const [order, index] = this.at(url);
    const status = order.proved[index] ?? "pending";
    const name = (order.names[index] ?? "").replace("*.", "");
    return {
      name,
      status,
      challenge: { url, status, text: this.textOf(url) },
      ...(status === "invalid" && { problem: worldFailed("CERTIFICATE_PROOF", `${name} is not believed`) }),
    };
  }

  async answer(url: string): Promise<void> {
    this.answered += 1;
    const [order, index] = this.at(url);
    const name = proofName(order.names[index] ?? "");
    if (this.seen.length === 0) {
      const names = [...new Set(order.names.map(proofName))];
      for (const server of this.servers)
        for (const one of names) this.seen.push(`${server.name} ${one} ${server.has(one)}`);
    }
    const found = this.servers.every((server) => server.all().includes(`${name} ${this.textOf(url)}`));
    if (!found) this.tooEarly = true;
    const disbelieved = order.names[index] === this.disbelieves;
    order.proved[index] = disbelieved ? "invalid" : "valid";
    if (disbelieved) order.status = "invalid";
    else if (order.proved.every((state) => state === "valid")) order.status = "ready";
  }

  async finalize({ url }: AcmeOrder, request: Uint8Array): Promise<void> {
    const order = this.orders[Number(url)];
    if (this.refusal) throw this.refusal;
    if (order?.status !== "ready") throw new Error("finalized before it was ready");
    order.certificate = await signedFor(this.signer, request, this.gives);
    order.status = "valid";
  }

  async download(url: string): Promise<string> {
    return this.orders[Number(url)]?.certificate ?? "";
  }

  async close(): Promise<void> {
    // Nothing is open.
  }

  private shown(index: number): AcmeOrder {
    const order = this.orders[index];
    if (!order) throw new RangeError(`no order ${index}`);
    const url = String(index);
    const authorizations = order.names.map((_name, name) => `${index}/${name}`);
    const certificate = order.status === "valid" && { certificate: url };
    return { url, status: order.status, authorizations, finalize: url, ...certificate };
  }

  private textOf(url: string): string {
    return `proof ${this.mark}${url}`;
  }

  private at(url: string): [Order, number] {
    const [order = "", name = ""] = url.split("/");
    const found = this.orders[Number(order)];
    if (!found) throw new RangeError(`no authorization ${url}`);
    return [found, Number(name)];
  }
}

/** What the request asks for, signed; or what `gift` says instead. */
async function signedFor(signer: KeyedCertificate, request: Uint8Array, gift: Gift): Promise<string> {
  const x509 = await import("@peculiar/x509");
  const asked = new x509.Pkcs10CertificateRequest(new Uint8Array(request));
  const names = asked.getExtension(SUBJECT_ALTERNATIVE_NAME);
  if (!names) throw new Error("a request without names");
  const pkcs8 = createPrivateKey(signer.key).export({ type: "pkcs8", format: "der" });
  const other = gift.publicKey?.export({ type: "spki", format: "der" });
  const now = Date.now();
  const certificate = await x509.X509CertificateGenerator.create({
    issuer: new x509.X509Certificate(signer.certificate).subjectName,
    notBefore: new Date(now - 60_000),
    notAfter: new Date(now + DAYS * 86_400_000),
    publicKey: other
      ? await crypto.subtle.importKey("spki", other, ALGORITHM, true, ["verify"])
      : await asked.publicKey.export(),
    signingKey: await crypto.subtle.importKey("pkcs8", pkcs8, ALGORITHM, false, ["sign"]),
    signingAlgorithm: ALGORITHM,
    extensions: [
      gift.names
        ? new x509.SubjectAlternativeNameExtension(gift.names.map((value) => ({ type: "dns", value })))
        : names,
    ],
  });
  return `${certificate.toString("pem")}\n`;
}
