/** `panopticon panels`: where they are and what they ask for. */
import type { PanelAccess } from "#app/panels.ts";
import { type AddCommand, command, labFile, type OutputOption } from "./command.ts";
import { show } from "./print.ts";

/** Adds `panels`. */
export const addPanels: AddCommand = (program) => {
  program.addCommand(
    command("panels", "print where the panels are, and the user and password that they ask for", [
      "panels",
      "panels examples/home.yaml -o json",
    ])
      .argument("[file]", "federation file (examples/two-sites.yaml where none is named)")
      .action(panels),
  );
};

async function panels(file: string | undefined, { output }: OutputOption): Promise<void> {
  const [{ readFederation }, { labPlan }, { panelAccess }] = await Promise.all([
    import("#app/files.ts"),
    import("#app/lab.ts"),
    import("#app/panels.ts"),
  ]);
  const { federation } = await readFederation(labFile(file));
  show(output, await panelAccess(await labPlan(federation.name)), lines);
}

function lines({ url, sites, user, password, authority }: PanelAccess): readonly string[] {
  return [
    `${url}  at whichever site answers`,
    ...sites.map((one) => `${one.url}  at ${one.site}`),
    `User ${user}, password ${password}`,
    `Trust ${authority}: it vouches for this domain alone.`,
  ];
}
