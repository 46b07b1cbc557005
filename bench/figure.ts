/** One measured figure and what was hoped for; printed, never asserted. */
export interface Figure {
  readonly figure: string;
  readonly value: number;
  readonly unit: string;
  readonly goal: string;
}
