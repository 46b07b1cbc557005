import fc from "fast-check";
import { expect, it } from "vitest";
import { runProcess } from "#base/process.ts";
import { quoteCommand, quoteWord } from "./quote.ts";

const word = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.string({ unit: fc.constantFrom("'", '"', "\\", "$", "`", " ", "\n", "*", "~", "!", "#", "-", "a") }),
);

it("gives a real shell the words back as they were", async () => {
  const words = word.filter((text) => !text.includes("\0") && text.isWellFormed());
  await fc.assert(
    fc.asyncProperty(fc.array(words, { maxLength: 40 }), async (argv) => {
      const line = quoteCommand(["printf", "%s\\0", "first", ...argv]);
      const { stdout } = await runProcess(["sh", "-c", line]);
      expect(stdout.split("\0").slice(1, -1)).toEqual(argv);
    }),
    { numRuns: 100 },
  );
});

it("refuses what no argument can hold", () => {
  expect(() => quoteWord("a\0b")).toThrow(RangeError);
});
