/**
 * The parsers on what a real server said: fixtures are the whole output of the
 * facts' script on the emulated Debian 12 with Xen 4.17 of test/xen.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { domainFile } from "#render/xen/config.ts";
import { usualGround, xenDomain } from "#render/xen/domain.ts";
import { emulatedSite } from "../../../test/xen/site.ts";
import { differences } from "./drift.ts";
import { readFacts } from "./facts.ts";

/** `empty`: nothing of ours yet. `building`: the first guest runs, xl is just making the second. */
const recorded = (name: "empty" | "building"): string =>
  readFileSync(join(import.meta.dirname, "fixtures", `${name}.txt`), "utf8");

const codeOf = (work: () => unknown): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as { problems: { code: string }[] }).problems[0]?.code;
  }
};

describe("a server's facts", () => {
  it("of one that carries nothing yet", () => {
    const seen = readFacts("left", recorded("empty"));
    expect(seen.info).toMatchObject({ version: "4.17.7", cpus: 2, totalMemoryMiB: 4095 });
    expect([...seen.info.capabilities]).toEqual(["pv", "gnttab-v1", "gnttab-v2"]);
    expect(seen.info.freeMemoryMiB).toBeGreaterThan(2000);
    expect([...seen.bridges]).toEqual(["xenbr0"]);
    expect([...seen.groups]).toEqual([["ssd", 65532]]);
    expect(seen.domains).toEqual([]);
    expect(seen.files.size + seen.volumes.size + seen.images.size + seen.autostart.size).toBe(0);
    expect(seen.savesGuests).toBe(true);
  });

  it("name the devices, and those that dom0 stands on", () => {
    const seen = readFacts("left", recorded("empty"));
    expect(seen.devices).toContainEqual({ address: "0000:00:10.0", kind: "0200", model: "8086:10d3" });
    expect(seen.needed).toEqual([
      { address: "0000:00:03.0", why: "eth1, a network card of dom0's" },
      { address: "0000:00:04.0", why: "the disk vda, which dom0 uses" },
      { address: "0000:00:05.0", why: "the disk vdb, which dom0 uses" },
    ]);
  });

  it("tell a guest that runs as planned from one that is being made", async () => {
    const { plan, site, machines } = await emulatedSite();
    const [first, second] = machines;
    const seen = readFacts("left", recorded("building"));
    expect(seen.domains.map(({ name, uuid, state }) => [name, uuid, state])).toEqual([
      [first.name, first.uuid, "running"],
      [second.name, second.uuid, "building"],
    ]);
    expect(seen.savesGuests).toBe(false);
    expect([...seen.volumes.keys()].sort()).toEqual(machines.map(({ name }) => `ssd/emulated.${name}.root`));
    const image = `/var/lib/panopticon/images/${[...seen.images][0]}`;
    const ground = { ...usualGround(plan, first), image };
    const known = {
      planned: domainFile(plan, site, first, ground).content,
      domain: xenDomain(site, first, ground),
      file: seen.files.get(first.name),
      running: seen.domains[0]?.settings,
      autostart: seen.autostart.has(first.name),
      disks: [],
    };
    expect(known.running).toBeDefined();
    expect(differences(known)).toEqual([]);
  });

  it("are none where xl does not answer, or says what is no list", () => {
    expect(codeOf(() => readFacts("left", "\n@@@ info\n\n@@@ settings\n"))).toBe("XEN_NO_TOOLSTACK");
    const broken = recorded("empty").replace("@@@ settings\n[", "@@@ settings\n");
    expect(codeOf(() => readFacts("left", broken))).toBe("XEN_UNREADABLE");
  });
});
