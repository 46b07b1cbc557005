/** What is said between a witness and those who ask it: JSON over HTTPS, each part checked at both ends. */
import { z } from "zod";
import type { KnownCrown } from "#control/federation/crown/witness.ts";

const epoch = z.int().min(1).max(Number.MAX_SAFE_INTEGER);
const site = z.string().min(1).max(253);

export const KNOWN_CROWN = z.object({
  epoch,
  holder: site,
  endpoints: z
    .array(z.url({ protocol: /^https$/ }).max(2048))
    .min(1)
    .max(16),
  caBundle: z.string().max(262_144).exactOptional(),
}) satisfies z.ZodType<KnownCrown>;

export const PROMISE = z.object({ epoch, site });

/** `POST /v1/claim`: asks for a vote. */
export const CLAIM = z.object({ crown: KNOWN_CROWN, site, epoch });
/** `POST /v1/crown`: tells of a crown, and asks what the witness knows. */
export const TOLD = z.object({ crown: KNOWN_CROWN });

export const VOTE = z.union([
  z.object({ granted: z.literal(true), promise: PROMISE }),
  z.object({
    granted: z.literal(false),
    reason: z.enum(["HolderAlive", "Outdated", "PromisedElsewhere", "Ahead", "Unsettled", "TooSoon"]),
    epoch: z.int().min(0),
    afterSeconds: z.number().min(0).exactOptional(),
  }),
]);

/** What a witness says of itself. */
export const REPORT = z.object({
  epoch,
  holder: site,
  /** Missing where it has not heard the holder since it listens. */
  heardSecondsAgo: z.number().exactOptional(),
  listeningSeconds: z.number(),
  promised: PROMISE.exactOptional(),
});

export type WitnessReport = z.infer<typeof REPORT>;

export const ANSWER_ERROR = z.object({ error: z.string() });
