/** Our own program as machines without containers get it: two archives, each named by its content. */

export interface ProgramPart {
  readonly name: string;
  /** Path of its tar archive here. */
  readonly archive: string;
}

export interface Program {
  /** Node and the modules. */
  readonly runtime: ProgramPart;
  /** Ours. */
  readonly source: ProgramPart;
}
