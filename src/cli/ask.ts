/** Questions to the person, where there is one to answer. */

/** Asks yes or no; undefined where standard input or error is no terminal, so that nothing ever waits for nobody. */
export function asker(): ((question: string) => Promise<boolean>) | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined;
  return async (question) => {
    const { confirm } = await import("@clack/prompts");
    return (await confirm({ message: question, output: process.stderr })) === true;
  };
}
