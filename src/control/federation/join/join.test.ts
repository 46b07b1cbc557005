/** Sealing, join tokens, and who is let in. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AdmissionRule } from "../api/config.ts";
import type { CrownSpec } from "../api/crown.ts";
import type { SiteRequestSpec } from "../api/site-request.ts";
import { dueSeconds } from "./access.ts";
import { admission } from "./admission.ts";
import { fingerprint, newKeys, seal, unseal } from "./seal.ts";
import { joinTokenText, readJoinToken, readTokenRules, type TokenRules } from "./token.ts";

const way = { from: "attic", to: "cellar" };

describe("sealing", () => {
  it("gives back any text to the holder of the key, and never looks the same twice", () => {
    const keys = newKeys();
    expect(keys.publicKey).toMatch(/^[A-Za-z0-9_-]{43}$/);
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        const [one, two] = [seal(text, keys.publicKey, way), seal(text, keys.publicKey, way)];
        expect(one).not.toBe(two);
        expect([one, two].map((sealed) => unseal(sealed, keys, way))).toEqual([text, text]);
      }),
      { numRuns: 30 },
    );
  });

  it("opens with no other key, for no other way, and not once a bit was changed", () => {
    const keys = newKeys();
    const sealed = seal("secret", keys.publicKey, way);
    expect(() => unseal(sealed, newKeys(), way)).toThrow("FEDERATION_SEAL");
    expect(() => unseal(sealed, keys, { from: "cellar", to: "attic" })).toThrow("FEDERATION_SEAL");
    expect(() => unseal("v1.x.y.z", keys, way)).toThrow("FEDERATION_SEAL");
    const parts = sealed.split(".");
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3 }), fc.nat(), (part, at) => {
        const bytes = Buffer.from(parts[part] ?? "", "base64url");
        const index = at % bytes.length;
        bytes[index] = (bytes[index] ?? 0) ^ 1;
        const changed = parts.with(part, bytes.toString("base64url")).join(".");
        expect(() => unseal(changed, keys, way)).toThrow("FEDERATION_SEAL");
      }),
      { numRuns: 40 },
    );
  });
});

describe("a join token", () => {
  const token = { hub: "attic", endpoints: ["https://10.0.0.5:6443"], id: "ab12", token: "secret-bearer" };

  it("is read as it was written, with white space around it", () => {
    expect(readJoinToken(`\n ${joinTokenText(token)}\n`)).toEqual(token);
  });

  it("that is garbled is refused without a word of it", () => {
    const text = joinTokenText(token);
    const wrong = [
      "",
      "secret-bearer",
      text.slice(0, -20),
      joinTokenText({ ...token, endpoints: ["http://10.0.0.5"] }),
      joinTokenText({ ...token, endpoints: [] }),
    ];
    for (const one of wrong) {
      expect(() => readJoinToken(one)).toThrow("FEDERATION_JOIN_TOKEN_GARBLED");
      expect(() => readJoinToken(one)).not.toThrow("secret-bearer");
    }
  });

  it("has rules, unless somebody else wrote them", () => {
    const rules: TokenRules = { site: "cellar", labels: { a: "b" }, expiresAt: "2026-01-01T00:00:00.000Z" };
    expect(readTokenRules(JSON.stringify(rules))).toEqual(rules);
    for (const text of [undefined, "", "{}", '{"labels":{"a":1},"expiresAt":"never"}'])
      expect(readTokenRules(text)).toBeUndefined();
  });
});

describe("admission", () => {
  const crown: CrownSpec = {
    epoch: 1001,
    holder: "attic",
    sites: [
      { name: "attic", kind: "on-prem", seat: 1, endpoints: [] },
      { name: "barn", kind: "on-prem", seat: 2, endpoints: [] },
    ],
    departed: [{ name: "shed", farewell: "drain", at: "2026-01-01T00:00:00Z" }],
    history: [{ epoch: 1001, holder: "attic", at: "2026-01-01T00:00:00Z", how: "founded" }],
  };
  const rule: AdmissionRule = { selector: { matchLabels: { region: "eu" } }, kind: "on-prem" };
  const decide = (
    request: Partial<SiteRequestSpec>,
    token: Partial<TokenRules> | undefined,
    rules: readonly AdmissionRule[] = [],
  ) =>
    admission(
      { site: "cellar", kind: "on-prem", token: "t", endpoints: [], publicKey: "", ...request },
      token && { labels: {}, expiresAt: "", ...token },
      crown,
      rules,
    ).phase;

  it.each([
    ["a token made for it", {}, { site: "cellar" }, [], "Admitted"],
    ["a token made for another site", {}, { site: "garage" }, [], "Refused"],
    ["a token for another kind", {}, { site: "cellar", kind: "cloud" }, [], "Refused"],
    ["a token for anybody", {}, {}, [], "Pending"],
    ["labels that a rule selects", {}, { labels: { region: "eu" } }, [rule], "Admitted"],
    ["other labels", {}, { labels: { region: "us" } }, [rule], "Pending"],
    ["a rule for another kind", { kind: "cloud" }, { labels: { region: "eu" } }, [rule], "Pending"],
    ["a rule that selects everybody", {}, {}, [{ selector: {} }], "Admitted"],
    ["a rule that can't be read", {}, {}, [unreadable()], "Pending"],
    ["a person's word", { decision: "Admit" }, {}, [], "Admitted"],
    ["a person's word against it", { decision: "Refuse" }, { site: "cellar" }, [rule], "Refused"],
    ["no token that is known", {}, undefined, [{ selector: {} }], "Pending"],
    ["the name of a site that is there", { site: "barn" }, { labels: { region: "eu" } }, [rule], "Refused"],
    [
      "the name of a site that is there, by its own token",
      { site: "barn" },
      { site: "barn" },
      [],
      "Admitted",
    ],
    ["the kind of a site changed", { site: "barn", kind: "cloud" }, { site: "barn" }, [], "Refused"],
    ["the name of a site that was removed", { site: "shed" }, {}, [{ selector: {} }], "Refused"],
    ["the hub's own name", { site: "attic", decision: "Admit" }, { site: "attic" }, [], "Refused"],
  ] as const)("with %s", (_what, request, token, rules, phase) => {
    expect(decide(request, token, rules)).toBe(phase);
  });
});

describe("a credential", () => {
  it("is renewed when its time comes, and at once for another key", () => {
    const now = new Date("2026-01-01T00:00:00Z");
    const entry = {
      site: "cellar",
      key: fingerprint("a"),
      sealed: "",
      expiresAt: "2026-01-31T00:00:00Z",
      renewAt: "2026-01-11T00:00:00Z",
    };
    expect(dueSeconds(entry, "a", now)).toBe(10 * 86_400);
    expect(dueSeconds(entry, "a", new Date("2026-01-12T00:00:00Z"))).toBe(0);
    expect(dueSeconds(entry, "b", now)).toBe(0);
    expect(dueSeconds(undefined, "a", now)).toBe(0);
  });
});

function unreadable(): AdmissionRule {
  return { selector: { matchExpressions: [{ key: "a", operator: "In", values: [] }] } };
}
