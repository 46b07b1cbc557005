/** The plain files of /etc, one entry a line: hosts, resolv.conf, sysctl.d, modules-load.d, sshd_config.d. */
import { HOST_NAME, address, plainText, word } from "../refuse.ts";

/** hosts(5): an address and its names. */
export interface HostsEntry {
  readonly address: string;
  readonly names: readonly string[];
}

/** The text of /etc/hosts. */
export function emitHosts(entries: readonly HostsEntry[]): string {
  return lines(
    entries.map((entry) =>
      [address(entry.address, "hosts"), ...entry.names.map((name) => word(name, "hosts", HOST_NAME))].join(
        " ",
      ),
    ),
  );
}

/** The text of /etc/resolv.conf: name servers in the order they are asked. */
export function emitResolvConf(servers: readonly string[], options: readonly string[]): string {
  return lines([
    ...servers.map((server) => `nameserver ${address(server, "resolv.conf")}`),
    `options ${options.map((option) => word(option, "resolv.conf", /^[a-z0-9:-]+$/)).join(" ")}`,
  ]);
}

/** A kernel setting; an `optional` one may be absent from the kernel. */
export interface SysctlEntry {
  readonly key: string;
  readonly value: string | number;
  readonly optional?: true;
}

/** The text of a sysctl.d(5) file. */
export function emitSysctl(entries: readonly SysctlEntry[]): string {
  return lines(
    entries.map(({ key, value, optional }) => {
      const name = word(key, "sysctl", /^[a-z0-9_]+([./][A-Za-z0-9_-]+)+$/);
      return `${optional ? "-" : ""}${name} = ${plainText(String(value), "sysctl", "#;")}`;
    }),
  );
}

/** The text of a modules-load.d(5) file. */
export function emitModules(modules: readonly string[]): string {
  return lines(modules.map((name) => word(name, "modules-load", /^[a-z0-9_-]+$/)));
}

/** The text of an sshd_config(5) file: keywords and their arguments. */
export function emitSshd(entries: readonly (readonly [keyword: string, value: string | number])[]): string {
  return lines(
    entries.map(
      ([keyword, value]) =>
        `${word(keyword, "sshd_config", /^[A-Za-z0-9]+$/)} ${plainText(String(value), "sshd_config", "\"#'\\")}`,
    ),
  );
}

function lines(entries: readonly string[]): string {
  return `${entries.join("\n")}\n`;
}
