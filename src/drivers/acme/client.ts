/**
 * ACME (RFC 8555) on undici and node:crypto. The one client of npm that is in
 * wide use keeps its HTTP settings, and so the authority to trust, in one place
 * for the whole process, turns refusals into mere text, and brings 50 packages.
 */
import { z } from "zod";
import type { Acme, AcmeAuthorization, AcmeOrder } from "#ports/acme.ts";
import { accountKey, proofText } from "./jws.ts";
import { refusal } from "./problem.ts";
import { type Answer, odd, openTransport, type Sender, type TransportSettings } from "./transport.ts";

export interface AcmeSettings extends TransportSettings {
  readonly email: string;
  /** PEM of the account's key. */
  readonly accountKey: string;
}

const url = z.url({ protocol: /^https$/ });
const DIRECTORY = z.object({ newNonce: url, newAccount: url, newOrder: url });
const STATUS = z.enum([
  "pending",
  "ready",
  "processing",
  "valid",
  "invalid",
  "deactivated",
  "expired",
  "revoked",
]);
const PROBLEM = z.object({
  type: z.string().optional(),
  detail: z.string().optional(),
  subproblems: z
    .array(
      z.object({
        type: z.string().optional(),
        detail: z.string().optional(),
        identifier: z.object({ value: z.string().optional() }).optional(),
      }),
    )
    .optional(),
});
const ORDER = z.object({
  status: STATUS,
  authorizations: z.array(url),
  finalize: url,
  certificate: url.optional(),
  error: PROBLEM.optional(),
});
const AUTHORIZATION = z.object({
  identifier: z.object({ value: z.string() }),
  status: STATUS,
  challenges: z.array(
    z.object({
      type: z.string(),
      url,
      status: STATUS,
      token: z
        .string()
        .regex(/^[\w-]+$/)
        .optional(),
      error: PROBLEM.optional(),
    }),
  ),
});

/** Opens nothing yet: the account is made, or found again by its key, at the first request that needs it. */
export function openAcme(settings: AcmeSettings): Acme {
  const { directory } = settings;
  const key = accountKey(settings.accountKey);
  const transport = openTransport(settings);
  const session = once(async () => {
    const places = read(directory, DIRECTORY, await transport.get(directory));
    const stranger: Sender = { key, account: undefined, newNonce: places.newNonce };
    const contact = { termsOfServiceAgreed: true, contact: [`mailto:${settings.email}`] };
    const { location } = await transport.post(places.newAccount, "open an account", stranger, contact);
    if (location === undefined) throw odd(directory, "gives no account");
    return { places, sender: { ...stranger, account: location } };
  });
  const post = async (to: string, what: string, payload?: unknown): Promise<Answer> =>
    transport.post(to, what, (await session()).sender, payload);
  const orderIn = (at: string, answer: Answer): AcmeOrder => {
    const { error, certificate, ...rest } = read(directory, ORDER, answer);
    return {
      url: at,
      ...rest,
      ...(certificate !== undefined && { certificate }),
      ...(error !== undefined && { problem: refusal(directory, "give the certificate", error) }),
      ...waiting(answer),
    };
  };
  return {
    order: async (names) => {
      const { places } = await session();
      const identifiers = names.map((value) => ({ type: "dns", value }));
      const answer = await post(places.newOrder, "take an order", { identifiers });
      if (answer.location === undefined) throw odd(directory, "gives no place for the order");
      return orderIn(answer.location, answer);
    },
    look: async (at) => {
      const answer = await transport.find(at, "show an order", (await session()).sender);
      return answer && orderIn(at, answer);
    },
    authorization: async (at) => {
      const answer = await post(at, "say what is to be proved");
      return authorizationIn(directory, read(directory, AUTHORIZATION, answer), answer, (token) =>
        proofText(token, key),
      );
    },
    answer: async (challenge) => void (await post(challenge, "look at the proof", {})),
    finalize: async ({ finalize }, request) => {
      await post(finalize, "give the certificate", { csr: Buffer.from(request).toString("base64url") });
    },
    download: async (certificate) => (await post(certificate, "hand over the certificate")).text,
    close: () => transport.close(),
  };
}

function authorizationIn(
  directory: string,
  { identifier, status, challenges }: z.infer<typeof AUTHORIZATION>,
  answer: Answer,
  text: (token: string) => string,
): AcmeAuthorization {
  const offered = challenges.find(({ type, token }) => type === "dns-01" && token !== undefined);
  const error = offered?.error;
  const what = `believe that ${identifier.value} is ours`;
  return {
    name: identifier.value,
    status,
    ...(offered?.token !== undefined && {
      challenge: { url: offered.url, status: offered.status, text: text(offered.token) },
    }),
    ...(error !== undefined && { problem: refusal(directory, what, error) }),
    ...waiting(answer),
  };
}

function waiting({ retryAfter }: Answer): { readonly retryAfter?: number } {
  return retryAfter === undefined ? {} : { retryAfter };
}

function read<T>(directory: string, shape: z.ZodType<T>, { status, text }: Answer): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw odd(directory, `answers HTTP ${status} with text that is not JSON`, cause);
  }
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  throw odd(directory, `answers what no ACME authority does: ${z.prettifyError(parsed.error)}`);
}

/** Work that is done when it is first asked for; again only where it failed. */
function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work().catch((error: unknown) => {
      result = undefined;
      throw error;
    });
    return result;
  };
}
