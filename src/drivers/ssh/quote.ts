/** Words for a POSIX shell: ssh joins its arguments with spaces and the other side's shell reads them. */

/** The word in single quotes, within which a POSIX shell reads nothing (POSIX.1-2024, Shell Command Language, 2.2.2). */
export function quoteWord(word: string): string {
  if (word.includes("\0")) throw new RangeError("an argument cannot hold a NUL byte");
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command line whose words arrive as they are. */
export function quoteCommand(argv: readonly string[]): string {
  return argv.map(quoteWord).join(" ");
}
