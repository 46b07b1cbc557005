/** What this machine is to others now. */
import { networkInterfaces } from "node:os";

/** Whether this machine has the address now. */
export function holds(address: string): boolean {
  return Object.values(networkInterfaces()).some((links) => links?.some((link) => link.address === address));
}
