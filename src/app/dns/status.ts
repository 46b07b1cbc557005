/** What a running steering says of itself, as it writes it. */
import { z } from "zod";
import { wrongUse } from "#base/errors.ts";
import { readText } from "../files.ts";

const REASON = z.looseObject({ why: z.string() });
const RULING = z.looseObject({ address: z.string(), served: z.boolean(), reason: REASON });
const NAME = z.looseObject({
  frozen: z.boolean(),
  needed: z.number(),
  answer: z.array(z.string()),
  rulings: z.array(RULING),
});
const SIGHT = z.looseObject({ key: z.string(), up: z.boolean(), found: z.string(), at: z.string() });
const REPORT = z.looseObject({
  voter: z.string(),
  ageMs: z.number(),
  hears: z.array(z.string()),
  down: z.array(z.string()),
});

const STATUS = z.looseObject({
  self: z.string(),
  active: z.boolean(),
  voters: z.array(z.string()),
  heard: z.array(z.string()).optional(),
  sees: z.array(SIGHT).optional(),
  words: z.array(REPORT).optional(),
  names: z.record(z.string(), NAME).optional(),
  servers: z.array(z.looseObject({ name: z.string(), trouble: z.string().optional() })).optional(),
});

export type SteeringStatus = z.infer<typeof STATUS>;

/** Errors: CLI_FILE_…, NAMES_STATUS. */
export async function readSteeringStatus(file: string): Promise<SteeringStatus> {
  const hint = "Steering writes it on the ECAMs: panopticon dns run.";
  const { data } = STATUS.safeParse(parsed(await readText(file, hint)));
  if (data) return data;
  throw wrongUse("NAMES_STATUS", `${file} is no state of steering`, hint);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
