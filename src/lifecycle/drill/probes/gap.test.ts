import { describe, expect, it } from "vitest";
import { openGap } from "./gap.ts";

describe("a gap", () => {
  const at = (script: (set: (seconds: number) => void, gap: ReturnType<typeof openGap>) => void) => {
    let now = 0;
    const gap = openGap(() => now);
    script((seconds) => {
      now = seconds;
    }, gap);
    return gap;
  };

  it("is the longest time between two answers", () => {
    const gap = at((set, it) => {
      for (const seconds of [1, 1.5, 4, 4.2]) {
        set(seconds);
        it.answered();
      }
    });
    expect(gap.longest()).toBe(2.5);
  });

  it("counts the silence that still lasts", () => {
    const gap = at((set, it) => {
      set(1);
      it.answered();
      set(9);
    });
    expect(gap.longest()).toBe(8);
    expect(gap.sinceAnswer()).toBe(8);
  });

  it("forgets at a reset what was gone before, and not when the last answer came", () => {
    const gap = at((set, it) => {
      set(1);
      it.answered();
      set(9);
      it.reset();
      set(10);
    });
    expect(gap.longest()).toBe(1);
    expect(gap.sinceAnswer()).toBe(9);
  });

  it("without any answer has been silent for ever", () => {
    expect(at(() => undefined).sinceAnswer()).toBe(Number.POSITIVE_INFINITY);
  });
});
