import { expect, it } from "vitest";
import { cpio } from "./cpio.ts";

/** Reads an archive as the kernel does: headers of 110 characters, names and contents at multiples of four. */
function read(archive: Buffer): readonly { name: string; mode: number; content: string }[] {
  const found = [];
  let at = 0;
  const even = (position: number): number => Math.ceil(position / 4) * 4;
  for (;;) {
    const field = (index: number): number =>
      Number.parseInt(archive.toString("latin1", at + 6 + index * 8, at + 14 + index * 8), 16);
    expect(archive.toString("latin1", at, at + 6)).toBe("070701");
    const [mode, size, nameLength] = [field(1), field(6), field(11)];
    const name = archive.toString("utf8", at + 110, at + 110 + nameLength - 1);
    expect(archive[at + 110 + nameLength - 1]).toBe(0);
    const begin = even(at + 110 + nameLength);
    if (name === "TRAILER!!!") return found;
    found.push({ name, mode, content: archive.toString("utf8", begin, begin + size) });
    at = even(begin + size);
  }
}

it("writes what the kernel reads, whatever the lengths", () => {
  const files = ["", "a", "abc", "größer\n", "x".repeat(5000)].map((content, index) => ({
    path: `scripts/${"n".repeat(index + 1)}`,
    content,
    mode: 0o644,
  }));
  const archive = cpio(files);
  expect(archive.length % 4).toBe(0);
  expect(read(archive)).toEqual(files.map(({ path, content }) => ({ name: path, mode: 0o100644, content })));
});
