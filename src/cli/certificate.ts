/** `panopticon certificate`: the certificates that users see, and their renewal. */
import type { SiteCertificate } from "#app/certificates.ts";
import { type AddCommand, command, group, labFile, type OutputOption } from "./command.ts";
import { colour, count, show, table } from "./print.ts";
import { secondsOf } from "./time.ts";

/** Adds `certificate` with `list` and `renew`. */
export const addCertificate: AddCommand = (program) => {
  program.addCommand(
    group("certificate", "the certificates that users of the sites see", [listCommand(), renewCommand()]),
  );
};

const FILE = ["[file]", "federation file (examples/two-sites.yaml where none is named)"] as const;

function listCommand() {
  return command("list", "say how each site's certificate stands, and when it is renewed", [
    "certificate list",
    "certificate list examples/home.yaml -o json",
  ])
    .argument(...FILE)
    .action(async (file: string | undefined, { output }: OutputOption) => {
      const { siteCertificates } = await import("#app/certificates.ts");
      const certificates = await siteCertificates(await planOf(file), new Date());
      show(output, { certificates }, () => lines(certificates));
    });
}

interface RenewOptions extends OutputOption {
  readonly site?: string;
  readonly dryRun?: boolean;
  readonly timeout: string;
}

function renewCommand() {
  return command("renew", "renew what is due, and give each site's ingress the certificate that it lacks", [
    "certificate renew",
    "certificate renew --site attic --dry-run",
  ])
    .argument(...FILE)
    .option("--site <name>", "only this site's")
    .option("--dry-run", "say what would be changed, and change nothing")
    .option("--timeout <time>", "how long name servers may take to show a proof", "60s")
    .action(renew);
}

async function renew(file: string | undefined, options: RenewOptions): Promise<void> {
  const [{ renewFederation }, { showProgress }] = await Promise.all([
    import("#app/certificate-run.ts"),
    import("./progress.ts"),
  ]);
  const { output, site, dryRun = false } = options;
  const proofSeconds = secondsOf(options.timeout);
  const plan = await planOf(file);
  const progress = showProgress();
  try {
    const changes = await renewFederation(plan, {
      dryRun,
      proofSeconds,
      emit: progress.emit,
      ...(site !== undefined && { site }),
    });
    progress.stop();
    const { siteCertificates } = await import("#app/certificates.ts");
    const certificates = await siteCertificates(plan, new Date());
    show(output, { changes, dryRun, certificates }, () => [outcome(changes, dryRun), ...lines(certificates)]);
  } finally {
    progress.stop();
  }
}

function outcome(changes: number, dryRun: boolean): string {
  if (changes === 0) return "Nothing to do: no certificate is due, and every ingress has its own.";
  return dryRun
    ? `${count(changes, "change")} would be made; nothing was changed.`
    : `Done: ${count(changes, "change")}.`;
}

async function planOf(file: string | undefined) {
  const [{ readFederation }, { labPlan }] = await Promise.all([
    import("#app/files.ts"),
    import("#app/lab.ts"),
  ]);
  const { federation } = await readFederation(labFile(file));
  const plan = await labPlan(federation.name);
  // Who signs is what the file says now, not what it said when the sites were brought up.
  const { acme: _, ...rest } = plan;
  return { ...rest, ...(federation.acme && { acme: federation.acme }) };
}

function lines(certificates: readonly SiteCertificate[]): readonly string[] {
  const left = certificates.filter((one) => one.left > 0);
  return [
    ...table(
      ["site", "authority", "state", "good until", "renewed from"],
      certificates.map(({ site, authority, standing }) => [
        site,
        authority,
        stateText(standing.state),
        ...(standing.state === "missing" ? ["-", "-"] : [day(standing.until), day(standing.due)]),
      ]),
    ),
    ...left.map(
      ({ site, left: number }) =>
        `${count(number, "TXT record")} of an order for ${site} may still be at name servers: panopticon certificate renew`,
    ),
  ];
}

function stateText(state: SiteCertificate["standing"]["state"]): string {
  switch (state) {
    case "good":
      return colour("green", "good");
    case "due":
      return colour("yellow", "due");
    case "over":
      return colour("red", "run out");
    case "names":
      return colour("red", "for other names");
    case "missing":
      return colour("yellow", "none yet");
  }
}

function day(date: Date): string {
  return date.toISOString().slice(0, 16).replace("T", " ");
}
