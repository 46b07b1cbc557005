/** `panopticon service`: from one short file to what runs at every site. */
import type { ServicePlan } from "#app/service-plan.ts";
import type { ImportRemark } from "#model/compose/compose.ts";
import type { ServiceFile } from "#model/service/parse.ts";
import { type AddCommand, command, group, type OutputOption } from "./command.ts";
import { type Hub, type HubOption, useServiceHub, withHub } from "./hub.ts";
import { colour, print, say, show } from "./print.ts";
import { eventLine } from "./service-events.ts";
import { listCommand, logsCommand, removeCommand, statusCommand } from "./service-look.ts";
import { changeLines, diffLines, planValue } from "./service-text.ts";
import { secondsOf } from "./time.ts";

/** Adds `service` with `deploy`, `diff`, `render`, `import`, `list`, `status`, `logs` and `remove`. */
export const addService: AddCommand = (program) => {
  program.addCommand(
    group("service", "deploy services to the sites of the federation, and look after them", [
      deployCommand(),
      diffCommand(),
      renderCommand(),
      importCommand(),
      listCommand(),
      statusCommand(),
      logsCommand(),
      removeCommand(),
    ]),
  );
};

interface FileOptions extends OutputOption, HubOption {
  readonly domain?: string;
}

interface DeployOptions extends FileOptions {
  readonly dryRun?: boolean;
  readonly timeout: string;
  readonly skip?: string;
}

const DOMAIN = ["--domain <name>", "added to host names of one word, such as home.example"] as const;

function withFile(name: string, description: string, examples: readonly string[]) {
  return withHub(
    command(name, description, examples)
      .argument("<file>", "service file, or compose file")
      .option(...DOMAIN),
  );
}

function deployCommand() {
  return withFile("deploy", "bring a service to its sites, one after the other", [
    "service deploy examples/services/hello.yaml",
    "service deploy compose.yaml --domain home.example --dry-run",
  ])
    .option("--dry-run", "say what would change, and change nothing")
    .option("--timeout <time>", "how long each site may take, such as 90s or 10min", "5min")
    .option("--skip <sites>", "sites that are away, with commas between: they get it when they return")
    .action(async (file: string, options: DeployOptions) => {
      const { output, dryRun = false } = options;
      const skip = options.skip?.split(",").filter(Boolean) ?? [];
      const timeoutSeconds = secondsOf(options.timeout);
      const files = await readFiles(file, options);
      const services = await useServiceHub(options, (hub) =>
        inTurn(files, hub, async (plan) => {
          const { deployService, isChange } = await import("#app/service-deploy.ts");
          const changed = isChange(plan);
          const emit = (event: Parameters<typeof eventLine>[0]) => say(eventLine(event));
          if (changed && !dryRun)
            await deployService(hub.kube, plan, { timeoutSeconds, skip, open: hub.site, emit });
          const value = { ...planValue(plan), changed };
          if (output === "text") print(...changeLines(plan, { changed, dryRun }));
          return value;
        }),
      );
      if (output === "json") show(output, { dryRun, services }, () => []);
    });
}

function diffCommand() {
  return withFile("diff", "compare a service file with what the hub has; ends with 1 where they differ", [
    "service diff shop.yaml",
  ]).action(async (file: string, options: FileOptions) => {
    const { output } = options;
    const files = await readFiles(file, options);
    const services = await useServiceHub(options, (hub) =>
      inTurn(files, hub, async (plan) => {
        const { isChange } = await import("#app/service-deploy.ts");
        const changed = isChange(plan);
        if (changed) process.exitCode = 1;
        if (output === "text") print(...diffLines(plan));
        return { ...planValue(plan), changed };
      }),
    );
    if (output === "json") show(output, { services }, () => []);
  });
}

/** Plans each service once the one before it has been dealt with, so that it sees what that has changed. */
async function inTurn<T>(
  files: readonly ServiceFile[],
  { kube }: Hub,
  work: (plan: ServicePlan) => Promise<T>,
): Promise<readonly T[]> {
  const { planService } = await import("#app/service-plan.ts");
  const done: T[] = [];
  for (const file of files) {
    const plan = await planService(kube, file);
    for (const note of plan.notes) warn(note);
    done.push(await work(plan));
  }
  return done;
}

function renderCommand() {
  return command("render", "print the Kubernetes objects that a service becomes; asks no cluster", [
    "service render examples/services/hello.yaml",
  ])
    .argument("<file>", "service file, or compose file")
    .option(...DOMAIN)
    .action(async (file: string, { output, ...options }: FileOptions) => {
      const [{ stringify }, { serviceObjects }, files] = await Promise.all([
        import("yaml"),
        import("#render/service/objects.ts"),
        readFiles(file, { output, ...options }),
      ]);
      const objects = files.flatMap(({ service }) => {
        const { objects: own, preference } = serviceObjects(service);
        return [...own, ...(preference ? [preference] : [])];
      });
      show(output, { objects }, () => [
        objects.map((one) => stringify(one, { aliasDuplicateObjects: false }).trimEnd()).join("\n---\n"),
      ]);
    });
}

function importCommand() {
  return command("import", "write service files from a Docker Compose file", [
    "service import compose.yaml",
    "service import compose.yaml --out services --domain home.example",
  ])
    .argument("<file>", "compose file")
    .option("--out <folder>", "where the files are written", ".")
    .option(...DOMAIN)
    .action(async (file: string, { output, out, ...options }: FileOptions & { out: string }) => {
      const { importServices } = await import("#app/service-files.ts");
      const result = await importServices(file, out, domainOf(options));
      if (output === "text") tell(result.remarks);
      show(output, result, ({ written }) => [
        ...written.map((path) => `${path} is written.`),
        `Next: panopticon service deploy ${written[0] ?? "FILE"}`,
      ]);
    });
}

async function readFiles(file: string, options: FileOptions): Promise<readonly ServiceFile[]> {
  const { readServices } = await import("#app/service-files.ts");
  const { files, remarks } = await readServices(file, domainOf(options));
  tell(remarks);
  return files;
}

function domainOf({ domain }: Pick<FileOptions, "domain">): { readonly domain?: string } {
  return domain === undefined ? {} : { domain };
}

function tell(remarks: readonly ImportRemark[]): void {
  for (const { at, subject, message } of remarks)
    warn(`${at.file}:${at.line}:${at.column}: ${subject}: ${message}`);
}

function warn(text: string): void {
  say(`${colour("yellow", "note", process.stderr)} ${text}`);
}
