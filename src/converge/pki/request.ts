/** Requests for certificates (PKCS #10), as the API keeps them. */
import { isIP } from "node:net";
import { loadX509 } from "./x509.ts";

export interface CertificateRequestContent {
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  /** IP addresses. */
  readonly addresses: readonly string[];
  /** Names of any other kind: e-mail addresses, URIs. */
  readonly otherNames: number;
}

/** A reader of requests: PEM in base64, as in a CertificateSigningRequest; undefined for what is none. */
export async function openRequestReader(): Promise<
  (request: string) => CertificateRequestContent | undefined
> {
  const { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } = await loadX509();
  return (request) => {
    try {
      const text = Buffer.from(request, "base64").toString("latin1");
      const { subjectName, extensions } = new Pkcs10CertificateRequest(text);
      const names = extensions.flatMap((extension) =>
        extension instanceof SubjectAlternativeNameExtension ? extension.names.items : [],
      );
      const dnsNames = names.filter(({ type }) => type === "dns").map(({ value }) => value);
      const addresses = names
        .filter(({ type, value }) => type === "ip" && isIP(value))
        .map(({ value }) => value);
      return {
        commonName: subjectName.getField("CN").join("/"),
        organizations: subjectName.getField("O"),
        dnsNames,
        addresses,
        otherNames: names.length - dnsNames.length - addresses.length,
      };
    } catch {
      return undefined;
    }
  };
}
