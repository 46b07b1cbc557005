/** `xl list -v`: the only place where xl tells a domain's state. */

/** A domain as the hypervisor has it at this moment. */
export interface DomainState {
  readonly name: string;
  readonly domid: number;
  readonly uuid: string;
  readonly memoryMiB: number;
  /**
   * `building`: xl is making it (it has no name or no memory yet), which takes
   * ten seconds and more. `paused`: somebody paused it, or died while making it.
   */
  readonly state: "running" | "paused" | "building" | "crashed" | "stopped";
  /** Processor time it has had, in seconds. */
  readonly seconds: number;
}

/**
 * Name, id, memory, processors, state, time, uuid. A name may have any character.
 * The fifth letter of the state is why a domain was shut down (xl_list.c): `r`eboot,
 * `s`uspend, `c`rash, `w`atchdog, `S`oft reset.
 */
const LINE =
  /^(.*?)\s+(\d+)\s+(\d+)\s+(\d+)\s+([r-][b-][p-][s-][rscwS?-][d-])\s+([\d.]+)\s+([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/;

/** What dom0 has at this moment, in MiB; undefined where the text does not say. */
export function parseDom0Memory(text: string): number | undefined {
  for (const line of text.split("\n")) {
    const [, , domid, memory] = LINE.exec(line) ?? [];
    if (domid === "0") return Number(memory);
  }
  return undefined;
}

/** Every domain but dom0, in xl's order. Lines that are none are passed over. */
export function parseStates(text: string): readonly DomainState[] {
  return text.split("\n").flatMap((line) => {
    const match = LINE.exec(line);
    if (!match) return [];
    const [, name = "", domid, memory, , letters = "", seconds, uuid = ""] = match;
    if (domid === "0") return [];
    const numbers = { domid: Number(domid), memoryMiB: Number(memory), seconds: Number(seconds) };
    return [{ name, uuid, ...numbers, state: stateOf(name, numbers.memoryMiB, letters) }];
  });
}

function stateOf(name: string, memoryMiB: number, letters: string): DomainState["state"] {
  if (/[cw]/.test(letters)) return "crashed";
  if (letters[3] === "s" || letters.includes("d")) return "stopped";
  if (name === "(null)" || memoryMiB === 0) return "building";
  return letters.includes("p") ? "paused" : "running";
}
