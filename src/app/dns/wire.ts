/** What voters tell each other, as JSON over HTTPS. */
import { z } from "zod";
import { MOST_HOSTS } from "#control/dns/hosts.ts";
import type { Word } from "#control/dns/words.ts";

/** Of a body, bytes: some thousand words. */
export const LONGEST_BODY = 4 * 1024 * 1024;
const MOST = 10_000;

const names = z.array(z.string().max(255)).max(MOST);

const WORD = z.strictObject({
  said: z.strictObject({
    voter: z.string().max(255),
    sequence: z.int().min(0),
    hears: names,
    down: names,
    downServices: z.record(z.string().max(255), names).exactOptional(),
    hosts: z.array(z.string().max(255)).max(MOST_HOSTS).exactOptional(),
  }),
  ageMs: z.number().min(0),
  signature: z.string().max(1024),
  certificate: z.string().max(10_000),
}) satisfies z.ZodType<Word>;

export const WORDS = z.strictObject({ words: z.array(WORD).max(MOST) });
