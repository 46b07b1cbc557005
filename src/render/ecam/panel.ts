/** Where an ECAM shows the statistics of its HAProxy to whoever shows panels. */

export const ECAM_PANEL_PORT = 8405;

/** One path each, so that all of them have a place below one name. */
export function ecamPanelPath(machine: string): string {
  return `/haproxy/${machine}`;
}
