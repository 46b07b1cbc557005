import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { emitJson, emitYaml } from "./data.ts";
import { emitHaproxy } from "./haproxy.ts";
import { emitKeepalived } from "./keepalived.ts";
import { emitHosts, emitModules, emitResolvConf, emitSshd, emitSysctl } from "./lines.ts";
import { emitNftables, type NftTable } from "./nftables.ts";
import { emitSystemd } from "./systemd.ts";
import { emitToml } from "./toml.ts";

/** What every emitter must refuse wherever a value can stand: each would begin a statement of its own. */
const BREAKS = ["a\nb", "a\rb", "a\u0000b", "a\u007fb"];

describe("haproxy.cfg", () => {
  const value = (text: string) => emitHaproxy([{ kind: "defaults", lines: [["log-tag", text]] }]);

  it("quotes what HAProxy would read as something else", () => {
    expect(value("a b")).toContain("log-tag 'a b'\n");
    expect(value("a#b")).toContain("'a#b'");
    expect(value('$HOME"')).toContain(`'$HOME"'`);
    expect(value("")).toContain("log-tag ''\n");
  });

  it.each([...BREAKS, "it's"])("refuses %j", (text) => {
    expect(() => value(text)).toThrow("RENDER_BAD_CHARACTER");
  });

  it("refuses a section name that is no word", () => {
    expect(() => emitHaproxy([{ kind: "backend", name: "a b", lines: [] }])).toThrow("RENDER_BAD_WORD");
  });

  it("refuses a comment that ends its line", () => {
    expect(() => emitHaproxy([{ kind: "global", comment: "a\nb", lines: [] }])).toThrow(
      "RENDER_BAD_CHARACTER",
    );
  });
});

describe("keepalived.conf", () => {
  const value = (text: string) => emitKeepalived([{ words: ["global_defs"], block: [["router_id", text]] }]);

  it("quotes words with spaces and comment signs", () => {
    expect(value("a b")).toContain('router_id "a b"\n');
    expect(value("a!b")).toContain('"a!b"');
  });

  it.each([...BREAKS, 'a"b', "$A", "a\\b", "~SEQ(a)", "@host x"])("refuses %j", (text) => {
    expect(() => value(text)).toThrow("RENDER_BAD_CHARACTER");
  });

  it("indents blocks in blocks", () => {
    const text = emitKeepalived([
      { words: ["a"], comment: "why", block: [{ words: ["b", 1], block: [["c", 0.1]] }] },
    ]);
    expect(text).toBe("# why\na {\n    b 1 {\n        c 0.1\n    }\n}\n");
  });
});

describe("systemd", () => {
  const value = (text: string) => emitSystemd([{ name: "Unit", entries: [["Description", text]] }]);
  const command = (...argv: string[]) =>
    emitSystemd([{ name: "Service", entries: [["ExecStart", { argv }]] }]);

  it("doubles percent signs, which begin specifiers", () => {
    expect(value("100%")).toContain("Description=100%%\n");
    expect(command("/bin/x", "%n")).toContain("ExecStart=/bin/x %%n\n");
  });

  it("keeps a command's words apart and its variables literal", () => {
    expect(command("/bin/x", "a b", "$HOME", 'q"', "b\\")).toContain(
      'ExecStart=/bin/x "a b" "$$HOME" "q\\"" "b\\\\"\n',
    );
  });

  it("leaves only a named variable to systemd", () => {
    const text = emitSystemd([
      { name: "Service", entries: [["ExecStart", { argv: ["/x", { variable: "ARGS" }] }]] },
    ]);
    expect(text).toContain("ExecStart=/x $ARGS\n");
    expect(() =>
      emitSystemd([{ name: "Service", entries: [["ExecStart", { argv: [{ variable: "A B" }] }]] }]),
    ).toThrow("RENDER_BAD_WORD");
  });

  it.each([...BREAKS, "ends in \\"])("refuses %j as a value", (text) => {
    expect(() => value(text)).toThrow("RENDER_BAD_CHARACTER");
  });

  it("refuses keys and section names that are no words", () => {
    expect(() => emitSystemd([{ name: "Unit]", entries: [] }])).toThrow("RENDER_BAD_WORD");
    expect(() => emitSystemd([{ name: "Unit", entries: [["A=b", "c"]] }])).toThrow("RENDER_BAD_WORD");
  });
});

describe("TOML", () => {
  it("quotes keys with dots and escapes strings", () => {
    const text = emitToml({
      version: 3,
      "a.b": { c: 'q"\n\u007f', list: ["x", 1, true], inner: { d: false } },
    });
    expect(text).toBe(
      'version = 3\n\n["a.b"]\nc = "q\\"\\n\\u007f"\nlist = ["x", 1, true]\n\n["a.b".inner]\nd = false\n',
    );
  });

  it("writes tables inside lists inline", () => {
    expect(emitToml({ a: [{ b: 1, "c d": "x" }] })).toBe('a = [{ b = 1, "c d" = "x" }]\n');
  });

  it.each([0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])("refuses the number %s", (value) => {
    expect(() => emitToml({ value })).toThrow("RENDER_BAD_NUMBER");
  });
});

describe("nftables", () => {
  const table: NftTable = {
    family: "ip",
    name: "t",
    comment: "c",
    sets: [{ name: "s", networks: ["10.0.0.0/8", "10.1.2.3/32"] }],
    chains: [{ name: "c", type: "nat", hook: "postrouting", priority: "srcnat", rules: [["masquerade"]] }],
  };

  it("declares the table before it deletes it, so that the first load passes", () => {
    const lines = emitNftables(table).split("\n");
    expect(lines.slice(1, 4)).toEqual(["table ip t", "delete table ip t", "table ip t {"]);
  });

  it("writes a network of one as an address", () => {
    expect(emitNftables(table)).toContain("elements = { 10.0.0.0/8, 10.1.2.3 }");
  });

  it.each(["10.0.0.1/8", "010.0.0.0/8", "10.0.0.0", "::/0", "10.0.0.0/8 }"])(
    "refuses the network %j",
    (bad) => {
      expect(() => emitNftables({ ...table, sets: [{ name: "s", networks: [bad] }] })).toThrow(
        "RENDER_BAD_NETWORK",
      );
    },
  );

  it("refuses words that would end a rule", () => {
    const rules = [["masquerade", "; flush ruleset"]];
    const chain = { ...table.chains[0], rules } as NftTable["chains"][number];
    expect(() => emitNftables({ ...table, chains: [chain] })).toThrow("RENDER_BAD_WORD");
  });
});

describe("YAML and JSON", () => {
  it("gives back every string as it was, in documents of their own", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const [yaml, json] = [emitYaml([{ text }]), emitJson({ text })];
        expect(parse(yaml)).toEqual({ text });
        expect(JSON.parse(json)).toEqual({ text });
      }),
      { numRuns: 100 },
    );
  });

  it("quotes what YAML 1.1 readers take for booleans, numbers and times", () => {
    expect(emitYaml([{ a: "no", b: "010", c: "0.001", d: "1s" }])).toBe(
      'a: "no"\nb: "010"\nc: "0.001"\nd: 1s\n',
    );
  });

  it("parts documents and repeats what is shared instead of naming it", () => {
    const shared = { x: 1 };
    expect(emitYaml([{ a: shared, b: shared }, { c: 1 }])).toBe("a:\n  x: 1\nb:\n  x: 1\n---\nc: 1\n");
  });
});

describe("plain files", () => {
  it("refuses addresses another program would read differently", () => {
    expect(() => emitHosts([{ address: "010.0.0.1", names: ["a"] }])).toThrow("RENDER_BAD_ADDRESS");
    expect(() => emitResolvConf(["10.0.0.256"], ["timeout:1"])).toThrow("RENDER_BAD_ADDRESS");
  });

  it.each(["a b", "a\nb", "A", "-a", "a_b", ""])("refuses the host name %j", (name) => {
    expect(() => emitHosts([{ address: "10.0.0.1", names: [name] }])).toThrow("RENDER_BAD_WORD");
  });

  it("marks settings that the kernel may lack", () => {
    expect(emitSysctl([{ key: "net.a.b-c", value: 1, optional: true }])).toBe("-net.a.b-c = 1\n");
  });

  it("refuses settings, modules and keywords that are no words", () => {
    expect(() => emitSysctl([{ key: "a", value: 1 }])).toThrow("RENDER_BAD_WORD");
    expect(() => emitSysctl([{ key: "a.b", value: "1\nc.d = 2" }])).toThrow("RENDER_BAD_CHARACTER");
    expect(() => emitModules(["a b"])).toThrow("RENDER_BAD_WORD");
    expect(() => emitSshd([["Match all", "x"]])).toThrow("RENDER_BAD_WORD");
    expect(() => emitSshd([["UseDNS", "no\nPermitEmptyPasswords yes"]])).toThrow("RENDER_BAD_CHARACTER");
  });
});
