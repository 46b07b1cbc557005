/** An authority that gives certificates to who proves that names are theirs (RFC 8555). */

export type AcmeStatus =
  | "pending"
  | "ready"
  | "processing"
  | "valid"
  | "invalid"
  | "deactivated"
  | "expired"
  | "revoked";

export interface AcmeOrder {
  /** By which it is found again. */
  readonly url: string;
  readonly status: AcmeStatus;
  readonly authorizations: readonly string[];
  readonly finalize: string;
  /** Where the certificate is, once there is one. */
  readonly certificate?: string;
  /** Why it is invalid, where the authority says so. */
  readonly problem?: Error;
  /** How long the authority wants us to wait before we look again, in seconds. */
  readonly retryAfter?: number;
}

/** What has to be proved of one name. */
export interface AcmeAuthorization {
  /** Without `*.`. */
  readonly name: string;
  readonly status: AcmeStatus;
  /** The proof by a TXT record; missing where the authority does not offer it. */
  readonly challenge?: {
    readonly url: string;
    readonly status: AcmeStatus;
    /** What the TXT record says. */
    readonly text: string;
  };
  /** What the authority found wrong. */
  readonly problem?: Error;
  readonly retryAfter?: number;
}

/**
 * Errors of every call: CERTIFICATE_AUTHORITY_SILENT where no answer comes,
 * CERTIFICATE_AUTHORITY_UNTRUSTED where its own certificate is none we trust,
 * CERTIFICATE_AUTHORITY_ODD where the answer is not as RFC 8555 has it, and by
 * what it refuses CERTIFICATE_CAA, _RATE_LIMIT, _TERMS, _ACCOUNT, _PROOF, _REFUSED.
 */
export interface Acme {
  /** Orders a certificate for names; `*.` at the beginning is a wildcard. */
  order(names: readonly string[]): Promise<AcmeOrder>;
  /** Looks at an order again; undefined where the authority knows none there. */
  look(url: string): Promise<AcmeOrder | undefined>;
  authorization(url: string): Promise<AcmeAuthorization>;
  /** Says that the proof is there to be looked at. */
  answer(challenge: string): Promise<void>;
  /** Hands in the request for the certificate, DER. */
  finalize(order: AcmeOrder, request: Uint8Array): Promise<void>;
  /** The certificate and what signs it, PEM. */
  download(certificate: string): Promise<string>;
  close(): Promise<void>;
}
