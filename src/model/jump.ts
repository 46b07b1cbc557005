/** A machine that one goes through to reach others by SSH: `user@host:port`. */

export interface JumpHost {
  readonly user: string;
  /** Name or IPv4 address. */
  readonly host: string;
  readonly port: number;
}

/** Nothing that ssh could take for an option or for more than one word. */
export const JUMP_PATTERN =
  "^([a-z_][-a-z0-9_]{0,31}@)?[A-Za-z0-9]([-.A-Za-z0-9]{0,251}[A-Za-z0-9])?(:[1-9][0-9]{0,4})?$";

const SSH_PORT = 22;
const MOST_PORT = 65_535;

/** Undefined where the text is none; root at port 22 where it does not say otherwise. */
export function parseJump(text: string): JumpHost | undefined {
  if (!new RegExp(JUMP_PATTERN).test(text)) return undefined;
  const [, user = "root", host = "", port = String(SSH_PORT)] =
    /^(?:([^@]+)@)?([^:]+)(?::(\d+))?$/.exec(text) ?? [];
  return Number(port) <= MOST_PORT ? { user, host, port: Number(port) } : undefined;
}

/** As known_hosts has it. */
export function knownHostName({ host, port }: Pick<JumpHost, "host" | "port">): string {
  return port === SSH_PORT ? host : `[${host}]:${port}`;
}
