/** Reads what a person names, a service file or a compose file, and writes the one from the other. */
import { access, mkdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { wrongUse } from "#base/errors.ts";
import { type ComposeImport, importCompose, type ImportRemark, isCompose } from "#model/compose/compose.ts";
import { parseService, type ServiceFile, type ServiceOptions } from "#model/service/parse.ts";
import { readText, writeText } from "./files.ts";
import { EXAMPLES } from "./folders.ts";

export interface ReadServices {
  readonly files: readonly ServiceFile[];
  /** What a compose file says and a service can't have. */
  readonly remarks: readonly ImportRemark[];
}

/** The services of a file. Its mistakes are one error with exit code 1; CLI_FILE_… (exit 2) where it can't be read. */
export async function readServices(file: string, options: ServiceOptions): Promise<ReadServices> {
  const text = await readServiceText(file);
  if (!isCompose(text)) return { files: [parseService(text, file, options)], remarks: [] };
  const { services, remarks } = composeOf(text, file, options);
  return { files: services.map((one) => one.file), remarks };
}

export interface WrittenServices {
  /** Service files, in the order in which they can be deployed. */
  readonly written: readonly string[];
  readonly remarks: readonly ImportRemark[];
}

/**
 * Writes a service file for each service of a compose file. Errors:
 * SERVICE_NO_COMPOSE, SERVICE_FILE_THERE (exit 2), and nothing is written.
 * @param folder made where it is missing
 */
export async function importServices(
  file: string,
  folder: string,
  options: ServiceOptions,
): Promise<WrittenServices> {
  const text = await readServiceText(file);
  if (!isCompose(text))
    throw wrongUse(
      "SERVICE_NO_COMPOSE",
      `${file} is no compose file`,
      "A compose file lists its services under services:. A service file is deployed as it is.",
    );
  const { services, remarks } = composeOf(text, file, options);
  const targets = services.map((one) => ({
    path: join(folder, `${one.file.service.name}.yaml`),
    text: `# From ${basename(file)}.\n${one.text}`,
  }));
  for (const { path } of targets) await refuseExisting(path);
  await mkdir(folder, { recursive: true });
  for (const target of targets) await writeText(target.path, target.text);
  return { written: targets.map(({ path }) => path), remarks };
}

async function readServiceText(file: string): Promise<string> {
  return readText(file, `working examples are in ${EXAMPLES}/services`);
}

function composeOf(text: string, file: string, { domain }: ServiceOptions): ComposeImport {
  // As Docker names a project that has no name.
  const project = basename(dirname(resolve(file)));
  return importCompose(text, file, { project, ...(domain !== undefined && { domain }) });
}

async function refuseExisting(path: string): Promise<void> {
  const there = await access(path).then(
    () => true,
    () => false,
  );
  if (there)
    throw wrongUse("SERVICE_FILE_THERE", `${path} is there already`, "Name another folder: --out FOLDER.");
}
