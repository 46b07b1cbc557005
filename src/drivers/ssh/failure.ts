/** What ssh's own words mean for the operator. */
import { type PanopticonError, worldFailed } from "#base/errors.ts";

/** A connection that could not be made, told apart by what ssh wrote to its standard error. */
export function connectionFailure(
  machine: string,
  address: string,
  stderr: string,
  through?: string,
): PanopticonError {
  const said = lastLine(stderr);
  // Servers are called by their addresses.
  const own = machine === address ? "" : ` at ${address}`;
  const at = through === undefined ? own : `${own} through ${through}`;
  if (/host key verification failed|identification has changed|no \S+ host key is known/i.test(stderr)) {
    return worldFailed(
      "SSH_HOST_KEY_MISMATCH",
      `${machine}${at} does not show the host key that is pinned for it.`,
      through === undefined
        ? "Another machine may answer at this address. Where the machine was made anew by hand, bring its old host key back."
        : `ssh said: ${keyWords(stderr)}. Compare that key on its console; \`panopticon server adopt HOST --jump …\` takes it over.`,
    );
  }
  if (/permission denied/i.test(stderr)) {
    return worldFailed(
      "SSH_DENIED",
      `${machine}${at} does not let the operator's key in: ${said}`,
      "Look at /root/.ssh/authorized_keys on the machine.",
    );
  }
  return worldFailed(
    "SSH_UNREACHABLE",
    `${machine} does not answer${at}: ${said}`,
    "See whether the machine runs and its address can be reached from here.",
  );
}

/** The connection ended while a command ran: whether it ended, and how, is not known. */
export function connectionLost(machine: string, command: string): PanopticonError {
  return worldFailed(
    "SSH_CONNECTION_LOST",
    `The connection to ${machine} was lost while \`${command}\` ran.`,
    "The machine may have stopped; run the same again.",
  );
}

/** The caller's time ran out; the command is ended there too, where it can still be reached. */
export function timedOut(machine: string, command: string, seconds: number): PanopticonError {
  return worldFailed("SSH_TIMEOUT", `\`${command}\` on ${machine} did not end within ${seconds} s.`);
}

/** Which of the machines on the way it was whose key is wrong or not known. */
function keyWords(stderr: string): string {
  const line = /^.*host key (?:is known )?for .*$/im.exec(stderr)?.[0] ?? lastLine(stderr);
  return line.replace(/ and you have requested.*$/, "").replace(/\.$/, "");
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.trim() || "ssh said nothing";
}
