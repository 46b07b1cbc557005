import { describe, expect, it } from "vitest";
import { labPlatform } from "#render/files.ts";
import { fixturePlan } from "./fixture.ts";
import { renderMachine } from "./machine.ts";
import { type SeedKeys, renderSeed } from "./seed.ts";

const KEYS: SeedKeys = {
  authorizedKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 operator\n",
  hostKeyPrivate: "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\nBB==\n-----END OPENSSH PRIVATE KEY-----\n",
  hostKeyPublic: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5",
};

function seed(name = "attic-cp-1", keys: SeedKeys = KEYS) {
  const { plan, site } = fixturePlan();
  const machine = site.machines.find((each) => each.name === name);
  if (machine === undefined) throw new Error(`no ${name} in the fixture`);
  return {
    files: new Map(renderSeed(plan, site, machine, labPlatform("v1"), keys).map((file) => [file.path, file])),
    later: renderMachine(plan, site, machine, labPlatform("v1")),
  };
}

describe("the seed", () => {
  it("keeps the private key and the way in to root alone", () => {
    const { files } = seed();
    expect(files.get("/etc/ssh/ssh_host_ed25519_key")?.mode).toBe(0o600);
    expect(files.get("/root/.ssh/authorized_keys")?.mode).toBe(0o600);
    expect(files.get("/etc/ssh/ssh_host_ed25519_key.pub")?.mode).toBe(0o644);
  });

  it("makes the machine's id of its planned uuid", () => {
    expect(seed().files.get("/etc/machine-id")?.content).toBe("c8397417f82e80d992ce69a2e1493e19\n");
  });

  it("says the same as the machine's files where both have one", () => {
    for (const name of ["attic-ecam-1", "attic-cp-1", "attic-worker-1"]) {
      const { files, later } = seed(name);
      const shared = later.filter((file) => files.has(file.path));
      expect(shared.length).toBeGreaterThan(3);
      for (const file of shared) expect(files.get(file.path)).toEqual(file);
    }
  });

  it.each(["ssh-ed25519 AAAA\nssh-ed25519 BBBB", 'command="x" ssh-ed25519 AAAA', "", "AAAAC3NzaC1lZDI1NTE5"])(
    "refuses %j as the operator's key",
    (authorizedKey) => {
      expect(() => seed("attic-cp-1", { ...KEYS, authorizedKey })).toThrow(/RENDER_BAD_(CHARACTER|WORD)/);
    },
  );

  it("refuses a private key of another form and does not print it", () => {
    const hostKeyPrivate = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
    const attempt = () => seed("attic-cp-1", { ...KEYS, hostKeyPrivate });
    expect(attempt).toThrow("RENDER_BAD_KEY");
    expect(attempt).not.toThrow("c2VjcmV0");
  });
});
