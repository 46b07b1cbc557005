/** Reads what a person names: a service file. */
import { parseService, type ServiceFile, type ServiceOptions } from "#model/service/parse.ts";
import { readText } from "./files.ts";
import { EXAMPLES } from "./folders.ts";

/** The services of a file. Its mistakes are one error with exit code 1; CLI_FILE_… (exit 2) where it can't be read. */
export async function readServices(file: string, options: ServiceOptions): Promise<readonly ServiceFile[]> {
  const text = await readText(file, `working examples are in ${EXAMPLES}/services`);
  return [parseService(text, file, options)];
}
