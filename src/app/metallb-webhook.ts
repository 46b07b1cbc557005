/**
 * The certificate of MetalLB's own webhook, made before its pod is. Left to
 * itself it makes one too, but then waits a minute or more until its kubelet
 * shows it the Secret that it has just written. It renews what we made.
 */
import type { Secret } from "kubernetes-types/core/v1.d.ts";
import { authorityCertificate, newKeyPair, serverCertificate } from "#converge/pki/x509.ts";
import type { Step } from "#converge/step.ts";
import type { ObjectRef } from "#ports/kube.ts";
import { METALLB_NAMESPACE, METALLB_WEBHOOK } from "#render/addons/metallb.ts";

const VALID_SECONDS = 3600 * 24 * 3600;

const SECRET: ObjectRef<Secret> = {
  resource: { group: "", version: "v1", plural: "secrets" },
  namespace: METALLB_NAMESPACE,
  name: METALLB_WEBHOOK.secret,
};

/** Done wherever there is a certificate, whoever made it. */
export function webhookCertificate(now: () => Date): Step {
  return {
    what: "make the certificate of MetalLB's webhook",
    isDone: async (kube) => (await kube.find(SECRET))?.data?.["tls.crt"] !== undefined,
    take: async (kube) => {
      const secret: Secret = {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: SECRET.name, namespace: METALLB_NAMESPACE },
        data: await certificates(now()),
      };
      await kube.apply(SECRET, { ...secret, apiVersion: "v1", kind: "Secret" }, MANAGER);
    },
  };
}

const MANAGER = { fieldManager: "panopticon-webhook" };

/** As cert-controller keeps them, which MetalLB uses. */
async function certificates(now: Date): Promise<Record<string, string>> {
  const key = newKeyPair().privateKey;
  const authority = { certificate: await authorityCertificate("metallb-webhook", key, now), key };
  const name = `${METALLB_WEBHOOK.service}.${METALLB_NAMESPACE}.svc`;
  const server = await serverCertificate(authority, [name], VALID_SECONDS, now);
  const files = {
    "ca.crt": authority.certificate,
    "ca.key": authority.key,
    "tls.crt": server.certificate,
    "tls.key": server.key,
  };
  return Object.fromEntries(
    Object.entries(files).map(([file, text]) => [file, Buffer.from(text).toString("base64")]),
  );
}
