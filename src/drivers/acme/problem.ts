/** What an authority refuses, in the operator's words (RFC 8555, section 6.7; RFC 7807). */
import { type PanopticonError, worldFailed } from "#base/errors.ts";

const PREFIX = "urn:ietf:params:acme:error:";

/** A problem document, as far as it is read. */
export interface ProblemDocument {
  readonly type?: string | undefined;
  readonly detail?: string | undefined;
  readonly subproblems?: readonly Subproblem[] | undefined;
}

interface Subproblem extends ProblemDocument {
  readonly identifier?: { readonly value?: string | undefined } | undefined;
}

interface Meaning {
  readonly code: string;
  readonly hint: string;
}

const PROOF: Meaning = {
  code: "CERTIFICATE_PROOF",
  hint: "Its own look at the TXT record failed: see from outside that the domain is delegated to every site and that routers forward port 53, UDP and TCP.",
};
const LIMIT: Meaning = {
  code: "CERTIFICATE_RATE_LIMIT",
  hint: "Wait as long as it says; a certificate that is still good stays in use.",
};
const ACCOUNT: Meaning = {
  code: "CERTIFICATE_ACCOUNT",
  hint: "See `certificates.acme` in the file. Authorities that want an account made with them beforehand can't be used.",
};

/** By the type's last word; every other one is CERTIFICATE_REFUSED. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  caa: {
    code: "CERTIFICATE_CAA",
    hint: "A CAA record of the domain, or of a domain above it, names other authorities: change it, or choose one that it names.",
  },
  rateLimited: LIMIT,
  userActionRequired: {
    code: "CERTIFICATE_TERMS",
    hint: "Its terms of service have changed: read them where it says, then run this again.",
  },
  agreementRequired: {
    code: "CERTIFICATE_TERMS",
    hint: "Read its terms of service, and agree to them in the file with `termsOfServiceAgreed: true`.",
  },
  externalAccountRequired: ACCOUNT,
  accountDoesNotExist: ACCOUNT,
  invalidContact: ACCOUNT,
  unsupportedContact: ACCOUNT,
  dns: PROOF,
  connection: PROOF,
  incorrectResponse: PROOF,
  unauthorized: PROOF,
  dnssec: PROOF,
};

const OTHER: Meaning = {
  code: "CERTIFICATE_REFUSED",
  hint: "What it says is all that is known; a certificate that is still good stays in use.",
};

/** The type's last word, such as `badNonce`. */
export function problemType({ type = "" }: ProblemDocument): string {
  return type.startsWith(PREFIX) ? type.slice(PREFIX.length) : type;
}

/** @param what was wanted, in words @param waitSeconds as the authority says in Retry-After */
export function refusal(
  directory: string,
  what: string,
  problem: ProblemDocument,
  waitSeconds?: number,
): PanopticonError {
  const type = problemType(problem);
  const { code, hint } = MEANINGS[type] ?? OTHER;
  const parts = (problem.subproblems ?? []).map(
    (part) => `${part.identifier?.value ?? "a name"}: ${part.detail ?? problemType(part)}`,
  );
  const said = [problem.detail ?? "no reason given", ...parts].join("; ");
  const wait = waitSeconds === undefined ? "" : ` Try again in ${waitText(waitSeconds)}.`;
  const kind = type === "" ? "" : ` (${type})`;
  return worldFailed(code, `${directory} refuses to ${what}${kind}: ${said}`, `${hint}${wait}`);
}

function waitText(seconds: number): string {
  return seconds < 120 ? `${Math.ceil(seconds)} s` : `${Math.ceil(seconds / 60)} min`;
}
