import type { CertificateSigningRequest } from "kubernetes-types/certificates/v1.d.ts";
import { describe, expect, it } from "vitest";
import { openRequestReader } from "#converge/pki/request.ts";
import { certificateRequest } from "../../../test/watchdog/request.ts";
import { judge } from "./decide.ts";

const NODES = [
  { name: "attic-left-worker", address: "10.11.0.31" },
  { name: "attic-right-worker", address: "10.11.0.32" },
];
const USER = "system:node:attic-left-worker";
const SUBJECT = `/O=system:nodes/CN=${USER}`;
const OWN = "DNS:attic-left-worker,IP:10.11.0.31";
const read = await openRequestReader();

function csr(request: string, spec: object = {}, status: object = {}): CertificateSigningRequest {
  return {
    metadata: { name: "csr-x" },
    spec: {
      signerName: "kubernetes.io/kubelet-serving",
      username: USER,
      groups: ["system:nodes", "system:authenticated"],
      usages: ["digital signature", "server auth"],
      request,
      ...spec,
    },
    status,
  };
}

const judged = (request: string, spec?: object, status?: object) =>
  judge(csr(request, spec, status), NODES, read);

describe("requests for the certificates that kubelets serve with", () => {
  it("are approved for a planned node's own name and address", async () => {
    expect(judged(await certificateRequest(SUBJECT, OWN))).toEqual({
      verdict: "approve",
      node: "attic-left-worker",
    });
    expect(judged(await certificateRequest(SUBJECT, "IP:10.11.0.31"))).toMatchObject({ verdict: "approve" });
  });

  it.each([
    ["another node's address", SUBJECT, "IP:10.11.0.32", "asks for 10.11.0.32"],
    ["another name", SUBJECT, `${OWN},DNS:kubernetes`, "asks for kubernetes"],
    ["no name", SUBJECT, "", "no name"],
    ["an e-mail address", SUBJECT, `${OWN},email:root@attic`, "does not have"],
    ["another node", "/O=system:nodes/CN=system:node:attic-right-worker", OWN, "made out to"],
    ["the masters", `/O=system:masters/CN=${USER}`, OWN, "made out to"],
    ["one group more", `/O=system:nodes/O=system:masters/CN=${USER}`, OWN, "made out to"],
  ])("are left to a person where they are for %s", async (_what, subject, names, why) => {
    expect(judged(await certificateRequest(subject, names))).toEqual({
      verdict: "refuse",
      why: expect.stringContaining(why) as string,
    });
  });

  it("are left to a person where who asks is no planned node, or what for is more than serving", async () => {
    const request = await certificateRequest(SUBJECT, OWN);
    expect(judged(request, { username: "system:node:stranger" })).toMatchObject({ verdict: "refuse" });
    expect(judged(request, { username: "attic-left-worker" })).toMatchObject({ verdict: "refuse" });
    expect(judged(request, { groups: ["system:authenticated"] })).toMatchObject({ verdict: "refuse" });
    expect(judged(request, { usages: ["server auth", "client auth"] })).toMatchObject({ verdict: "refuse" });
    expect(judged(request, { usages: ["digital signature"] })).toMatchObject({ verdict: "refuse" });
    expect(judged("bm90aGluZw==")).toMatchObject({ verdict: "refuse", why: "what it holds can't be read" });
  });

  it("are none of ours where another signs, or where they are decided", async () => {
    const request = await certificateRequest(SUBJECT, OWN);
    expect(judged(request, { signerName: "kubernetes.io/kube-apiserver-client" })).toEqual({
      verdict: "pass",
    });
    for (const type of ["Approved", "Denied"])
      expect(judged(request, {}, { conditions: [{ type, status: "True" }] })).toEqual({ verdict: "pass" });
    expect(judged(request, {}, { certificate: "eA==" })).toEqual({ verdict: "pass" });
  });
});
