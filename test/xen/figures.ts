/** What a run measured, shown at its end; docs/xen.md has the last one. */

const figures: (readonly [what: string, seconds: number])[] = [];

/** Keeps one measured length of time. */
export function figure(what: string, seconds: number): void {
  figures.push([what, seconds]);
}

/** Prints them in the order in which they were taken. */
export function showFigures(): void {
  const lines = figures.map(([what, seconds]) => `${seconds.toFixed(1).padStart(7)} s  ${what}`);
  process.emitWarning(`measured:\n${lines.join("\n")}`, { code: "FIGURES" });
}
