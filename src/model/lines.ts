import type { Position } from "#base/errors.ts";

/** Turns offsets into a text into lines and columns, both from 1; columns count UTF-16 units, as editors do. */
export function lineIndex(text: string): (offset: number) => Omit<Position, "file"> {
  const starts = [0, ...Array.from(text.matchAll(/\n/g), ({ index }) => index + 1)];
  return (offset) => {
    let low = 0;
    let high = starts.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle - 1;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}
