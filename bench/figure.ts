/** One measured figure and what was hoped for; printed, never asserted. */
export interface Figure {
  readonly figure: string;
  /** NaN where it could not be measured. */
  readonly value: number;
  readonly unit: string;
  readonly goal: string;
  /** The same of somebody else, measured in the same run. */
  readonly beside?: { readonly name: string; readonly value: number };
}

/** One line of the table that is printed. */
export function lineOf({ figure, value, unit, goal, beside }: Figure): string {
  const other = beside ? `${beside.name} ${numberOf(beside.value).padStart(9)} ` : "";
  const wanted = goal && `goal ${goal}`;
  return `${figure.padEnd(62)} ${numberOf(value).padStart(8)} ${unit.padEnd(4)} ${other}${wanted}`.trimEnd();
}

function numberOf(value: number): string {
  return Number.isNaN(value) ? "-" : value.toFixed(2);
}
