/**
 * The certificate of a server that a site's API itself asks, such as a webhook, in
 * a Secret beside it; with the authority that signed it, made for this alone.
 */
import type { Secret } from "kubernetes-types/core/v1.d.ts";
import { authorityCertificate, newKeyPair, serverCertificate } from "#converge/pki/x509.ts";
import type { Step } from "#converge/step.ts";
import type { Kube, ObjectRef } from "#ports/kube.ts";

const VALID_SECONDS = 3600 * 24 * 3600;

export interface ServiceCertificate {
  readonly namespace: string;
  /** Name of the Secret. */
  readonly secret: string;
  /** DNS name that it is asked by. */
  readonly host: string;
  /** Common name of the authority. */
  readonly authority: string;
  /** In words: whose it is. */
  readonly of: string;
}

/** Done wherever there is a certificate, whoever made it. */
export function certificateStep(wanted: ServiceCertificate, now: () => Date): Step {
  const ref = refOf(wanted);
  return {
    what: `make the certificate of ${wanted.of}`,
    isDone: async (kube) => (await kube.find(ref))?.data?.["tls.crt"] !== undefined,
    take: async (kube) => {
      const secret: Secret & { apiVersion: string; kind: string } = {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: ref.name, namespace: wanted.namespace },
        data: await certificates(wanted, now()),
      };
      await kube.apply(ref, secret, MANAGER);
    },
  };
}

/** Its authority: PEM in base64; undefined where there is none yet. */
export async function presentAuthority(kube: Kube, wanted: ServiceCertificate): Promise<string | undefined> {
  return (await kube.find(refOf(wanted)))?.data?.["ca.crt"];
}

const MANAGER = { fieldManager: "panopticon-webhook" };

function refOf({ namespace, secret }: ServiceCertificate): ObjectRef<Secret> {
  return { resource: { group: "", version: "v1", plural: "secrets" }, namespace, name: secret };
}

/** As cert-controller keeps them, which MetalLB uses. */
async function certificates(
  { host, authority: name }: ServiceCertificate,
  now: Date,
): Promise<Record<string, string>> {
  const key = newKeyPair().privateKey;
  const authority = { certificate: await authorityCertificate(name, key, now), key };
  const server = await serverCertificate(authority, [host], VALID_SECONDS, now);
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
