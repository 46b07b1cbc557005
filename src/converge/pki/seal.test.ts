import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { mustRun } from "#base/process.ts";
import { isSealedFor, seal, unseal } from "./seal.ts";

describe("a sealed secret", () => {
  let folder: string;
  const at = (name: string) => join(folder, name);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "panopticon-seal-"));
    for (const [name, type] of [
      ["own", "ed25519"],
      ["other", "ed25519"],
      ["curve", "ecdsa"],
    ] as const)
      await mustRun("TEST", ["ssh-keygen", "-q", "-t", type, "-N", "", "-f", at(name)]);
    await mustRun("TEST", ["ssh-keygen", "-q", "-t", "ed25519", "-N", "words", "-f", at("locked")]);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it("is opened by the SSH key it was sealed for, and shows nothing of itself", async () => {
    const secret = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA ü\n";
    const sealed = await seal(secret, at("own"));
    expect(sealed).not.toContain("OPENSSH");
    expect(await unseal(sealed, at("own"))).toBe(secret);
    expect(await isSealedFor(sealed, at("own"))).toBe(true);
    expect(await seal(secret, at("own"))).not.toBe(sealed);
  });

  it("is closed to every other key, and to who changes a letter of it", async () => {
    const sealed = await seal("secret", at("own"));
    expect(await isSealedFor(sealed, at("other"))).toBe(false);
    await expect(unseal(sealed, at("other"))).rejects.toThrow("ADOPT_SEALED");
    const forged = JSON.parse(sealed) as { data: string; tag: string };
    for (const part of [{ data: "c2VjcmV0" }, { tag: "AAAAAAAAAAAAAAAAAAAAAA==" }])
      await expect(unseal(JSON.stringify({ ...forged, ...part }), at("own"))).rejects.toThrow("ADOPT_SEALED");
    await expect(unseal("{}", at("own"))).rejects.toThrow("ADOPT_SEALED");
  });

  it.each(["curve", "locked", "absent"])("can't be made with the key %s", async (name) => {
    await expect(seal("secret", at(name))).rejects.toThrow("ADOPT_KEY");
  });
});
