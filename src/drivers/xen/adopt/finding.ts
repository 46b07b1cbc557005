/** What a finding about a server says, and what would mend it. */
import type { RenderedFile } from "#render/files.ts";

/** Commands and files that mend a finding; each may be done again without effect. */
export interface Fix {
  /** Written first. */
  readonly files: readonly RenderedFile[];
  readonly commands: readonly (readonly string[])[];
}

export interface ServerFinding {
  /** Stable, such as `SERVER_NO_BRIDGE`. */
  readonly code: string;
  /** `critical` keeps the server from carrying machines as it should. */
  readonly severity: "critical" | "warning" | "note";
  readonly subject: string;
  /** What was found. */
  readonly what: string;
  /** What it matters for. */
  readonly why: string;
  /** What to do about it. */
  readonly todo: string;
  /** Files that a person may put there by hand. */
  readonly files?: readonly RenderedFile[];
  /** Where it can be mended safely from here: nothing that could cut the connection, lose data or needs an answer. */
  readonly fix?: Fix;
}
