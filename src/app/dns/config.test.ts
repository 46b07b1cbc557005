import { describe, expect, it } from "vitest";
import { siteSteering } from "#render/ecam/steering.ts";
import { fixturePlan } from "#render/fixture.ts";
import { parseServices, parseSteeringConfig } from "./config.ts";

describe("steering's configuration", () => {
  const { plan, site } = fixturePlan();
  const rendered = siteSteering(plan, site);
  const read = (value: unknown) => parseSteeringConfig(JSON.stringify(value), "config.json");

  it("is what is rendered, and nothing else", () => {
    expect(read(rendered)).toEqual(rendered);
    expect(() => read({ ...rendered, self: "elsewhere" })).toThrow(/NAMES_CONFIG.*elsewhere/);
    expect(() => read({ ...rendered, witness: { name: "attic", address: "192.0.2.53" } })).toThrow(
      /same name/,
    );
    expect(() => read({ ...rendered, more: 1 })).toThrow("NAMES_CONFIG");
    expect(() => parseSteeringConfig("{", "config.json")).toThrow("NAMES_CONFIG");
  });

  it("names services by their hosts", () => {
    const services = [{ name: "app", hosts: ["app.home.test"], sites: ["attic"] }];
    expect(parseServices(JSON.stringify({ services }), "services.json")).toEqual(services);
    expect(() => parseServices('{"services":[{"name":"x","hosts":["A B"]}]}', "services.json")).toThrow(
      "NAMES_CONFIG",
    );
  });
});
