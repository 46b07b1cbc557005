import { z } from "zod";
import type { Format } from "./formats.ts";

/** A text with a form of its own: what is wrong with it is told by the format, and editors get its pattern. */
export function text(format: Format, description: string, example?: string) {
  return z
    .string()
    .check(({ value, issues }) => {
      const fault = format.fault(value);
      if (!fault) return;
      const params = { code: format.code, hint: fault.hint };
      issues.push({ code: "custom", input: value, message: fault.message, params });
    })
    .meta({ description, pattern: format.pattern, examples: example ? [example] : [...format.examples] });
}
