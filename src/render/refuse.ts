/**
 * What the emitters refuse. A value that a format cannot carry safely never
 * reaches a file: it is named in a RENDER_ error instead.
 */
import { PanopticonError } from "#base/errors.ts";
import { parseAddress, parseCidr } from "#base/ipv4.ts";

/** The error for a value that can't be written; `where` is the format or the machine it is for. */
export function refuse(code: string, message: string, hint: string, where: string): PanopticonError {
  return new PanopticonError([{ code, message: `${where}: ${message}`, hint, subject: where }], 1);
}

// Everything below space, and DEL: no format here carries them, and a newline would start a new statement.
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u001f\u007f]/;

/** Gives `text` back where it has no control characters and none of `forbidden`; else RENDER_BAD_CHARACTER. */
export function plainText(text: string, where: string, forbidden = ""): string {
  const bad = Array.from(text).find((character) => CONTROL.test(character) || forbidden.includes(character));
  if (bad === undefined) return text;
  throw refuse(
    "RENDER_BAD_CHARACTER",
    `${JSON.stringify(text)} has the character ${JSON.stringify(bad)}, which can't be written there`,
    "take the character out of the value",
    where,
  );
}

/** Gives `text` back where it matches `allowed` from end to end; else RENDER_BAD_WORD. */
export function word(text: string, where: string, allowed: RegExp): string {
  if (text.length > 0 && allowed.test(text)) return text;
  throw refuse(
    "RENDER_BAD_WORD",
    `${JSON.stringify(text)} is no word of this format`,
    `it must match ${allowed}`,
    where,
  );
}

/** Gives `text` back where it is one IPv4 address; else RENDER_BAD_ADDRESS. */
export function address(text: string, where: string): string {
  if (parseAddress(text) !== undefined) return text;
  throw refuse(
    "RENDER_BAD_ADDRESS",
    `${JSON.stringify(text)} is no IPv4 address`,
    "write it as 10.11.0.7",
    where,
  );
}

/** Gives `text` back where it is one IPv4 network; else RENDER_BAD_NETWORK. */
export function network(text: string, where: string): string {
  if (parseCidr(text) !== undefined) return text;
  throw refuse(
    "RENDER_BAD_NETWORK",
    `${JSON.stringify(text)} is no IPv4 network`,
    "write it as 10.11.0.0/24, with no bits set after the prefix",
    where,
  );
}

/** Host and DNS names as RFC 1123 has them, lower case. */
export const HOST_NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
