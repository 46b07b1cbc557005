/** What must hold between the parts of a file: each check sees what could be read of the whole. */
import type { Draft } from "./draft.ts";
import type { Federation } from "./federation.ts";
import type { Mistake } from "./mistakes.ts";

/** Finds mistakes; where a part is unknown it says nothing about it. */
export type Check = (federation: NonNullable<Draft<Federation>>) => readonly Mistake[];

export const CHECKS: readonly Check[] = [];
