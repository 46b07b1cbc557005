/** `panopticon check FILE`: every mistake in the file at once. */
import type { Federation } from "#model/federation.ts";
import { type AddCommand, command, type OutputOption } from "./command.ts";
import { colour, count, show } from "./print.ts";

/** Adds `check`. */
export const addCheck: AddCommand = (program) => {
  program.addCommand(
    command("check", "say every mistake in a federation file, and whether it can be planned", [
      "check examples/two-sites.yaml",
    ])
      .argument("<file>", "federation file")
      .action(check),
  );
};

async function check(file: string, { output }: OutputOption): Promise<void> {
  const [{ readFederation }, { makePlan }] = await Promise.all([
    import("#app/files.ts"),
    import("#plan/make.ts"),
  ]);
  const read = await readFederation(file);
  await makePlan(read);
  show(output, summary(file, read.federation), (found) => [
    `${colour("green", "ok")} ${found.file}: ${found.federation}, ${count(found.sites.length, "site")}: ${found.sites.join(", ")}`,
  ]);
}

function summary(file: string, federation: Federation) {
  return {
    file,
    federation: federation.name,
    sites: federation.sites.map((site) => site.name),
    problems: [],
  };
}
