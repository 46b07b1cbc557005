/** An nftables file that replaces one table of ours, whole, in one transaction. */
import { network, plainText, word } from "../refuse.ts";

export interface NftTable {
  readonly family: "ip" | "inet";
  readonly name: string;
  readonly comment: string;
  readonly sets: readonly NftSet[];
  readonly chains: readonly NftChain[];
}

/** A set of IPv4 networks and addresses that rules name by `@name`. */
export interface NftSet {
  readonly name: string;
  readonly networks: readonly string[];
}

export interface NftChain {
  readonly name: string;
  readonly type: "filter" | "nat";
  readonly hook: "prerouting" | "input" | "forward" | "output" | "postrouting";
  readonly priority: "dstnat" | "filter" | "srcnat";
  /** Each rule is a list of words. */
  readonly rules: readonly (readonly string[])[];
}

const NAME = /^[a-z][a-z0-9_-]*$/;
const RULE_WORD = /^[A-Za-z0-9@!=._/,-]+$/;

/**
 * The file's text. Declaring the table before it is deleted makes the first run
 * pass too; one statement stands on one line because nft 1.0.6 refuses a table
 * on one line.
 */
export function emitNftables(table: NftTable): string {
  const name = `${table.family} ${word(table.name, "nftables", NAME)}`;
  const lines = [
    `# ${plainText(table.comment, "nftables")}`,
    `table ${name}`,
    `delete table ${name}`,
    `table ${name} {`,
    ...table.sets.flatMap(emitSet),
    ...table.chains.flatMap(emitChain),
    "}",
  ];
  return `${lines.join("\n")}\n`;
}

function emitSet(set: NftSet): string[] {
  const networks = set.networks.map((text) => network(text, "nftables").replace(/\/32$/, ""));
  return [
    `    set ${word(set.name, "nftables", NAME)} {`,
    "        type ipv4_addr",
    "        flags interval",
    "        auto-merge",
    `        elements = { ${networks.join(", ")} }`,
    "    }",
    "",
  ];
}

function emitChain(chain: NftChain): string[] {
  const rules = chain.rules.map((rule) => rule.map((text) => word(text, "nftables", RULE_WORD)).join(" "));
  return [
    `    chain ${word(chain.name, "nftables", NAME)} {`,
    `        type ${chain.type} hook ${chain.hook} priority ${chain.priority}; policy accept;`,
    ...rules.map((rule) => `        ${rule}`),
    "    }",
  ];
}
