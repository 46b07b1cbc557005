/** Join tokens: what a hub gives to whoever shall bring a new site. One text, to be kept in a file or a pipe. */
import { z } from "zod";
import { wrongUse } from "#base/errors.ts";
import type { CrownSite } from "../api/crown.ts";
import { FEDERATION_GROUP } from "../api/names.ts";

const PREFIX = "panopticon-join.";

const TOKEN = z.object({
  /** The site that is the hub. */
  hub: z.string().min(1),
  endpoints: z.array(z.url({ protocol: /^https$/ })).min(1),
  /** PEM. */
  authority: z.string().optional(),
  /** Of the token's own service account. */
  id: z.string().min(1),
  /** A bearer token that is good for asking to join. */
  token: z.string().min(1),
});

export type JoinToken = z.infer<typeof TOKEN>;

export function joinTokenText(token: JoinToken): string {
  return PREFIX + Buffer.from(JSON.stringify(token)).toString("base64url");
}

/** FEDERATION_JOIN_TOKEN_GARBLED, without a word of what was read: it may be some other secret. */
export function readJoinToken(text: string): JoinToken {
  const whole = text.trim();
  const garbled = (why: string) =>
    wrongUse(
      "FEDERATION_JOIN_TOKEN_GARBLED",
      `this is no join token: ${why}`,
      "Copy it as a whole, or make a new one at the hub: panopticon site token create",
    );
  if (whole === "") throw garbled("there is nothing");
  if (!whole.startsWith(PREFIX)) throw garbled(`it does not begin with ${PREFIX}`);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(whole.slice(PREFIX.length), "base64url").toString());
  } catch {
    throw garbled("it was cut short or changed");
  }
  const result = TOKEN.safeParse(value);
  if (result.success) return result.data;
  throw garbled(`${result.error.issues[0]?.path.join(".") || "it"} is not what it should be`);
}

/** What a hub remembers of a token, on its service account. */
export interface TokenRules {
  /** The only site that may join with it; it is admitted at once. */
  readonly site?: string;
  readonly kind?: CrownSite["kind"];
  /** Given to whichever site joins with it. */
  readonly labels: Readonly<Record<string, string>>;
  readonly expiresAt: string;
}

export const TOKEN_ANNOTATION = `${FEDERATION_GROUP}/join-token`;

const RULES = z.object({
  site: z.string().optional(),
  kind: z.enum(["on-prem", "cloud"]).optional(),
  labels: z.record(z.string(), z.string()),
  expiresAt: z.iso.datetime(),
});

/** Undefined where somebody else made the account, or changed it. */
export function readTokenRules(annotation: string | undefined): TokenRules | undefined {
  try {
    const { site, kind, ...rest } = RULES.parse(JSON.parse(annotation ?? ""));
    return { ...rest, ...(site !== undefined && { site }), ...(kind !== undefined && { kind }) };
  } catch {
    return undefined;
  }
}
