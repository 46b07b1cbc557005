/** `panopticon lab dig NAME` and `lab curl URL`: the lab from outside. */
import { spawn } from "node:child_process";
import { Command } from "commander";
import type { SiteHeard } from "#app/lab-internet.ts";
import type { Plan } from "#plan/plan.ts";
import { command, labFile, type OutputOption } from "./command.ts";
import { show, table } from "./print.ts";

interface FileOption {
  readonly file?: string;
}

const FILE = ["-f, --file <file>", "federation file (examples/two-sites.yaml where none is named)"] as const;

export function labDigCommand() {
  return command("dig", "ask every site's name server for a name, from outside", [
    "lab dig echo.home.test",
    "lab dig home.test NS",
  ])
    .argument("<name>", "such as echo.home.test")
    .argument("[type]", "A, AAAA, NS, SOA, TXT or CAA", "A")
    .option(...FILE)
    .action(dig);
}

export function labCurlCommand() {
  return new Command("curl")
    .description("fetch a page from outside, by its name")
    .argument("<url>", "such as https://echo.home.test/")
    .argument("[options...]", "more for curl, after `--`")
    .option(...FILE)
    .addHelpText(
      "after",
      "\nExamples:\n  $ panopticon lab curl https://echo.home.test/\n  $ panopticon lab curl https://echo.site2.home.test/ -- --head",
    )
    .action(curl);
}

async function dig(name: string, type: string, { file, output }: FileOption & OutputOption): Promise<void> {
  const { labDig } = await import("#app/lab-internet.ts");
  const plan = await planOf(file);
  const heard = await labDig(plan, name, type.toUpperCase());
  show(output, { name, type: type.toUpperCase(), servers: heard }, () => digLines(heard));
  if (heard.every(({ records }) => records.length === 0)) process.exitCode = 1;
}

function digLines(heard: readonly SiteHeard[]): readonly string[] {
  const rows = heard.flatMap(({ site, server, records, failure }) =>
    records.length === 0
      ? [[site, server, failure ?? "no record", ""]]
      : records.map(({ value, ttl }) => [site, server, value, ttl === undefined ? "" : `${ttl} s`]),
  );
  return table(["SITE", "NAME SERVER", "ANSWER", "TTL"], rows);
}

async function curl(url: string, more: readonly string[], { file }: FileOption): Promise<void> {
  const { edgeAuthority, labCurl } = await import("#app/lab-internet.ts");
  const plan = await planOf(file);
  const [program = "", ...argv] = await labCurl(plan, url, more, edgeAuthority(plan));
  const child = spawn(program, argv, { stdio: "inherit" });
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 128));
  });
}

async function planOf(file: string | undefined): Promise<Plan> {
  const [{ readFederation }, { labPlan }] = await Promise.all([
    import("#app/files.ts"),
    import("#app/lab.ts"),
  ]);
  const { federation } = await readFederation(labFile(file));
  return labPlan(federation.name);
}
