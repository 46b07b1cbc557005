import type { Position, Problem } from "#base/errors.ts";
import type { FederationFile, SourceMap } from "#model/federation.ts";

/** A problem of the file's part at `path`, with its position or that of the nearest part around it. */
export function problemAt(
  file: FederationFile,
  path: string,
  code: string,
  message: string,
  hint: string,
): Problem {
  const at = positionOf(file.source, path);
  return { code, message, hint, subject: path, ...(at && { at }) };
}

/** `sites[0].servers[1].cpus` may be a default that stands nowhere; then its server's position is given. */
function positionOf(source: SourceMap, path: string): Position | undefined {
  for (let part = path; part !== ""; part = parentOf(part)) {
    const position = source.get(part);
    if (position) return position;
  }
  return source.get("");
}

function parentOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("."), path.lastIndexOf("["), 0));
}
