/** `panopticon render FILE --out DIR`: every machine's files, to read and to compare. */
import type { TreeChanges } from "#app/tree.ts";
import { type AddCommand, command, type OutputOption } from "./command.ts";
import { count, show } from "./print.ts";

interface RenderOptions extends OutputOption {
  readonly out: string;
}

/** Adds `render`. */
export const addRender: AddCommand = (program) => {
  program.addCommand(
    command("render", "write the files every machine gets, one folder per machine", [
      "render examples/two-sites.yaml --out rendered",
    ])
      .argument("<file>", "federation file")
      .requiredOption("--out <folder>", "where to; a folder of its own, in which stale files are removed")
      .action(render),
  );
};

async function render(file: string, { output, out }: RenderOptions): Promise<void> {
  const { renderFederation } = await import("#app/render.ts");
  const changes = await renderFederation(file, out);
  show(output, { out, ...changes }, () => renderLines(out, changes));
}

function renderLines(out: string, { written, unchanged, removed }: TreeChanges): readonly string[] {
  return [
    `${out}: ${count(written.length, "file")} written, ${unchanged.length} unchanged, ${removed.length} removed`,
    ...removed.map((path) => `  removed ${path}`),
  ];
}
