import { Resolver } from "node:dns/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fixturePlan } from "#render/fixture.ts";
import { freePorts } from "../../../test/kube/ports.ts";
import { makeKnot, openKnot } from "../../../test/names/knot.ts";
import { needTool } from "../../../test/tools.ts";
import { changesTo, wantedRecords } from "./records.ts";
import type { RecordSet } from "#ports/names.ts";

const DOMAIN = "home.test";
const ALL = ["203.0.113.10", "203.0.113.11"];
const [A = "", B = ""] = ALL;

const wanted = (answers: Readonly<Record<string, readonly string[]>>, all = ALL): readonly RecordSet[] =>
  wantedRecords(DOMAIN, all, new Map(Object.entries(answers)));
const names = (answers: Readonly<Record<string, readonly string[]>>): readonly string[] =>
  wanted(answers).map(({ name }) => name);

/** As a name server answers (RFC 4592): the name itself, or else the wildcard at the nearest name that exists. */
function lookUp(records: readonly RecordSet[], name: string): readonly string[] | undefined {
  const existing = new Set(records.flatMap((one) => withAncestors(one.name)));
  if (existing.has(name)) return records.find((one) => one.name === name)?.values;
  const encloser = withAncestors(name).find((one) => existing.has(one)) ?? "";
  return records.find((one) => one.name === `*.${encloser}`)?.values;
}

function withAncestors(name: string): readonly string[] {
  const labels = name.split(".");
  return labels.map((_, index) => labels.slice(index).join("."));
}

describe("the records of a zone", () => {
  it("are the domain and its wildcard while every service is as the sites are", () => {
    expect(names({ "app.home.test": [B, A] })).toEqual(["home.test", "*.home.test"]);
  });

  it("give a service that differs its own, wildcard included, and lift what it would hide", () => {
    const records = wanted({ "a.deep.home.test": [A] });
    expect(Object.fromEntries(records.map(({ name, values }) => [name, values]))).toEqual({
      "home.test": ALL,
      "*.home.test": ALL,
      "deep.home.test": ALL,
      "*.deep.home.test": ALL,
      "a.deep.home.test": [A],
      "*.a.deep.home.test": [A],
    });
  });

  it("give a service below one that differs its own, though it is as the sites are", () => {
    const records = wanted({ "app.home.test": [A], "x.app.home.test": ALL });
    expect(lookUp(records, "x.app.home.test")).toEqual(ALL);
    expect(lookUp(records, "y.app.home.test")).toEqual([A]);
  });

  it("answer every service with what was decided, and everything else with the sites", () => {
    const label = fc.constantFrom("a", "b", "c");
    const name = fc
      .array(label, { minLength: 1, maxLength: 4 })
      .map((labels) => [...labels, DOMAIN].join("."));
    const answer = fc.constantFrom([A], [B], ALL, [B, A]);
    fc.assert(
      fc.property(fc.dictionary(name, answer, { maxKeys: 8 }), (answers) => {
        const records = wanted(answers);
        for (const [service, values] of Object.entries(answers))
          expect([service, lookUp(records, service)?.toSorted()]).toEqual([service, values.toSorted()]);
        expect(lookUp(records, "other.home.test")).toEqual(ALL);
      }),
    );
  });

  it("are brought about by few changes, which leave other records alone", () => {
    const text: RecordSet = { name: "_acme-challenge.home.test", type: "TXT", ttl: 5, values: ["x"] };
    const site: RecordSet = { name: "site1.home.test", type: "A", ttl: 300, values: [A] };
    const present = [...wanted({ "app.home.test": [A] }), text, site];
    expect(changesTo(wanted({ "app.home.test": [A] }), present)).toEqual({ replace: [], remove: [] });
    const changes = changesTo(wanted({}, [B]), present);
    expect(changes.replace.map(({ name }) => name)).toEqual(["home.test", "*.home.test"]);
    expect(changes.remove.map(({ name }) => name)).toEqual(["app.home.test", "*.app.home.test"]);
  });

  it("are answered so by a real Knot", async (context) => {
    const knotd = needTool(context, "knotd");
    const [port = 0] = await freePorts(1);
    const { plan, site } = fixturePlan();
    const listen = [`127.0.0.1@${port}`];
    const knot = makeKnot({ knotd, plan, site, machine: "attic-ecam-1", listen });
    context.onTestFinished(() => knot.remove());
    await knot.start();
    const server = openKnot(knot, port);
    const records = wanted({ "app.home.test": [A], "a.deep.home.test": [B] });
    await server.update(changesTo(records, await server.records()));
    const resolver = new Resolver({ timeout: 1000 });
    resolver.setServers([`127.0.0.1:${port}`]);
    const asked = ["home.test", "any.home.test", "a.b.home.test", "app.home.test", "x.y.app.home.test"];
    for (const name of [
      ...asked,
      "deep.home.test",
      "b.deep.home.test",
      "a.deep.home.test",
      "x.a.deep.home.test",
    ])
      expect([name, (await resolver.resolve4(name)).toSorted()]).toEqual([
        name,
        lookUp(records, name)?.toSorted(),
      ]);
    for (const name of [
      "site1.home.test",
      "app.site1.home.test",
      "ns.site1.home.test",
      "api.site1.home.test",
    ])
      expect([name, await resolver.resolve4(name)]).toEqual([name, [A]]);
  });
});
