import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { fixturePlan } from "../fixture.ts";
import { forwardsOf } from "./forwards.ts";
import { routerPage } from "./page.ts";
import { routerRules } from "./rules.ts";

const LINKS = { outside: "wan0", inside: "lan0" };

describe("a site's router", () => {
  it("passes the web to the ingress address and names to the name servers'", () => {
    const { site } = fixturePlan();
    const { network } = site;
    const to = (protocol: string, port: number) =>
      forwardsOf(site).find((one) => one.protocol === protocol && one.port === port)?.to;
    expect([to("tcp", 443), to("tcp", 80)]).toEqual([network.ingress.first, network.ingress.first]);
    expect([to("udp", 53), to("tcp", 53)]).toEqual([network.namesVip, network.namesVip]);
    expect(to("tcp", site.endpoint.port)).toBe(network.vip);
  });

  it("does so at every external address", () => {
    const { site } = fixturePlan();
    const network = { ...site.network, external: ["203.0.113.1", "203.0.113.2"] };
    const rules = routerRules({ ...site, network }, LINKS);
    for (const external of network.external)
      expect(rules).toContain(`ip daddr ${external} tcp dport 443 dnat to ${network.ingress.first}`);
    expect(rules).toContain(`oifname wan0 ip saddr ${network.lan} snat to 203.0.113.1`);
  });

  it("has rules that nft takes", ({ skip }) => {
    const program = "nft";
    const tried = spawnSync(program, ["--check", "--file", "-"], {
      input: routerRules(fixturePlan().site, LINKS),
      encoding: "utf8",
    });
    if (tried.error) skip("there is no nft here");
    if (/Operation not permitted/.test(tried.stderr)) skip("nft wants root even to check");
    expect(tried.stderr).toBe("");
  });

  it("has a page that names what to pass on and what to leave free", () => {
    const { plan, site } = fixturePlan();
    const page = routerPage(plan, site);
    for (const { port, to, why } of forwardsOf(site))
      expect(page).toContain(`<td>${port}</td><td>${to}</td><td>${why.replaceAll("'", "&#39;")}</td>`);
    for (const { address } of site.machines) expect(page).toContain(address);
  });
});
