/**
 * The sample services of examples/services as a lab can run them: a lab pulls no
 * images, so each file has the one image that is there, and what belongs to the
 * other image (its port, how its health is asked) is this one's. Everything else
 * stays as it is written.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const SERVICES = join(import.meta.dirname, "../../examples/services");
export const ECHO_IMAGE = "panopticon.test/echo:1";
const DOMAIN: Change = ["home.example", "home.test"];

type Change = readonly [from: string, to: string];

const CHANGES = {
  hello: [["nginxinc/nginx-unprivileged:1.29-alpine", ECHO_IMAGE], DOMAIN],
  notes: [["registry.example/notes:2.3.1", ECHO_IMAGE], DOMAIN],
  compose: [
    ["ghcr.io/requarks/wiki:2.5", ECHO_IMAGE],
    ['"8080:3000"', '"8080:8080"'],
    ["postgres:17-alpine", ECHO_IMAGE],
    ['expose: ["5432"]', 'expose: ["8080"]'],
    ['["CMD-SHELL", "pg_isready -U wiki"]', '["CMD", "/echo", "get", "http://127.0.0.1:8080/"]'],
  ],
} as const satisfies Readonly<Record<string, readonly Change[]>>;

/** Writes the sample for a lab into a folder, with more changes where some are given; gives its path. */
export function labSample(name: keyof typeof CHANGES, folder: string, more: readonly Change[] = []): string {
  let text = readFileSync(join(SERVICES, `${name}.yaml`), "utf8");
  for (const [from, to] of [...CHANGES[name], ...more]) {
    if (!text.includes(from)) throw new Error(`examples/services/${name}.yaml does not hold ${from}`);
    text = text.replaceAll(from, to);
  }
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, text);
  return file;
}
