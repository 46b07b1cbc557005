/** Every domain of the examples, as a real `xl` reads it. */
import { describe, expect, it } from "vitest";
import { figure } from "./figures.ts";
import type { XenGround } from "./ground.ts";
import { rendered } from "./rendered.ts";
import { onServer } from "./steps.ts";

const FOLDER = "/root/rendered";

/** Reads each file that is named, in one run: its JSON after its name, or its name and `no`. */
const READ_ALL = `cd "$1"; for file in *.cfg; do echo "@@ $file"; xl -N create "$file" 2>/dev/null || echo no; done`;

/** The test. */
export function describeExamples(ground: () => XenGround): void {
  describe("the files of the examples", () => {
    it("are read by xl, each one", async () => {
      const files = await rendered();
      expect(files.length).toBeGreaterThan(20);
      const spoilt = files[0]?.content.replace("access=rw", "access=rx") ?? "";
      const named = [...files.map(({ content }) => content), spoilt].map((content, index) => ({
        path: `${FOLDER}/${String(index).padStart(4, "0")}.cfg`,
        content,
        mode: 0o600,
      }));
      await onServer(ground(), "mkdir", "-p", FOLDER);
      await ground().shell.put("left", named);
      const began = performance.now();
      const said = await onServer(ground(), "sh", "-c", READ_ALL, "read", FOLDER);
      figure(`xl -N create of ${files.length} files`, (performance.now() - began) / 1000);
      const texts = said.split(/^@@ .*\n/m).slice(1);
      expect(texts).toHaveLength(named.length);
      for (const [index, { domain }] of files.entries()) {
        const { name, uuid, type } = domain;
        expect(JSON.parse(texts[index] ?? "")).toMatchObject({ c_info: { name, uuid, type } });
      }
      expect(texts.at(-1)).toBe("no\n");
    });
  });
}
