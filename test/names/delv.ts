/** A resolver that validates signatures (BIND's delv) and trusts one DS record alone. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProcess } from "#base/process.ts";
import type { DelegationSigner } from "#converge/pki/zone-key.ts";

export interface Question {
  /** The zone of the DS record. */
  readonly domain: string;
  readonly signer: DelegationSigner;
  /** Address and port of a name server. */
  readonly address: string;
  readonly port: number;
}

/** What it says of the addresses of a name: `fully validated` stands in what was proved. */
export async function validated(name: string, { domain, signer, address, port }: Question): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "panopticon-delv-"));
  try {
    const anchors = join(folder, "anchors");
    const { keyTag, algorithm, digestType, digest } = signer;
    const anchor = `${domain}. static-ds ${keyTag} ${algorithm} ${digestType} "${digest}";`;
    writeFileSync(anchors, `trust-anchors { ${anchor} };\n`);
    const server = [`@${address}`, "-p", String(port)];
    const { stdout, stderr } = await runProcess([
      "delv",
      "-a",
      anchors,
      `+root=${domain}`,
      ...server,
      name,
      "A",
    ]);
    return stdout + stderr;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
