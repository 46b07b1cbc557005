import { describe, expect, it } from "vitest";
import { labPlatform } from "#render/files.ts";
import { fixturePlan } from "../fixture.ts";
import { renderMachine } from "../machine.ts";

describe("a signed domain", () => {
  const knot = (dnssec?: true): Map<string, string> => {
    const { plan, site } = fixturePlan();
    const [ecam] = site.machines;
    if (ecam === undefined) throw new Error("the fixture lost its ECAM");
    const rendered = renderMachine({ ...plan, ...(dnssec && { dnssec }) }, site, ecam, labPlatform("v1"));
    return new Map(rendered.map((file) => [file.path, file.content]));
  };

  it("has another serial number, and its key imported before Knot starts", () => {
    const [plain, signed] = [knot(), knot(true)];
    const zone = "/etc/knot/home.test.zone";
    expect(signed.get(zone)).not.toBe(plain.get(zone));
    const unit = "/etc/systemd/system/knot.service.d/10-panopticon.conf";
    expect(plain.get(unit)).not.toContain("keymgr");
    const lines = signed.get(unit)?.split("\n") ?? [];
    const [copied, imported] = ["zone-key.pem /run", "import-pem"].map((part) =>
      lines.findIndex((line) => line.includes(part)),
    );
    expect(copied).toBeGreaterThan(0);
    expect(imported).toBeGreaterThan(copied ?? 0);
    expect(signed.get("/etc/knot/knot.conf")).toContain("dnssec-signing: on");
    expect(plain.get("/etc/knot/knot.conf")).not.toContain("dnssec");
  });
});
