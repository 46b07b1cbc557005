import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { chooseMirror, hostMirror, OFFICIAL_MIRROR, parseDeb822, parseOneLine } from "./debian.ts";

describe("one-line sources", () => {
  test("options, comments and source archives", () => {
    const text = [
      "# deb http://old.example/debian bookworm main",
      "deb [arch=amd64 signed-by=/k.gpg] http://deb.debian.org/debian/ trixie main contrib # ours",
      "deb-src http://deb.debian.org/debian trixie main",
      "deb\thttp://security.debian.org/debian-security  trixie-security main",
      "deb http://other.example/flat ./",
      "",
    ].join("\n");
    expect(parseOneLine(text)).toEqual([
      { uri: "http://deb.debian.org/debian", suites: ["trixie"], components: ["main", "contrib"] },
      {
        uri: "http://security.debian.org/debian-security",
        suites: ["trixie-security"],
        components: ["main"],
      },
      { uri: "http://other.example/flat", suites: ["./"], components: [] },
    ]);
  });
});

describe("deb822 sources", () => {
  test("several paragraphs, comments inside, continued fields, upper case", () => {
    const text = [
      "# made by the installer",
      "Types: deb deb-src",
      "# http://snapshot.example/",
      "URIs: http://a.example/debian http://b.example/debian",
      "Suites: trixie",
      " trixie-updates",
      "COMPONENTS: main",
      "Signed-By:",
      " -----BEGIN PGP PUBLIC KEY BLOCK-----",
      " .",
      " -----END PGP PUBLIC KEY BLOCK-----",
      "",
      "Types: deb",
      "URIs: http://a.example/debian-security/",
      "Suites: trixie-security",
      "Components: main",
    ].join("\n");
    const suites = ["trixie", "trixie-updates"];
    expect(parseDeb822(text)).toEqual([
      { uri: "http://a.example/debian", suites, components: ["main"] },
      { uri: "http://b.example/debian", suites, components: ["main"] },
      { uri: "http://a.example/debian-security", suites: ["trixie-security"], components: ["main"] },
    ]);
  });

  test("disabled and source-only paragraphs don't count", () => {
    const off = "Enabled: no\nTypes: deb\nURIs: http://a.example/debian\nSuites: trixie\nComponents: main\n";
    const source = "Types: deb-src\nURIs: http://a.example/debian\nSuites: trixie\nComponents: main\n";
    expect(parseDeb822(`${off}\n${source}`)).toEqual([]);
  });
});

describe("the mirror", () => {
  const main = ["main"];

  test("is the host's own, third parties aside", () => {
    const sources = [
      { uri: "https://packages.example/apt", suites: ["stable"], components: main },
      { uri: "http://mirror.example/debian", suites: ["bookworm"], components: main },
      { uri: "http://mirror.example/debian-security", suites: ["bookworm-security"], components: main },
    ];
    expect(chooseMirror(sources)).toEqual({
      main: "http://mirror.example/debian",
      security: "http://mirror.example/debian-security",
    });
  });

  test("without a security archive of its own stays without", () => {
    const sources = [{ uri: "http://mirror.example/debian", suites: ["trixie"], components: main }];
    expect(chooseMirror(sources)).toEqual({ main: "http://mirror.example/debian" });
  });

  test("of a host that is no Debian is Debian's", () => {
    const sources = [{ uri: "http://archive.ubuntu.com/ubuntu", suites: ["noble"], components: main }];
    expect(chooseMirror(sources)).toEqual(OFFICIAL_MIRROR);
  });

  test("is read from every place apt reads", async () => {
    const folder = await mkdtemp(join(tmpdir(), "apt-"));
    onTestFinished(() => rm(folder, { recursive: true }));
    await mkdir(join(folder, "sources.list.d"));
    await writeFile(join(folder, "sources.list.d", "a.list"), "deb http://m.example/debian trixie main\n");
    await writeFile(
      join(folder, "sources.list.d", "b.sources.bak"),
      "deb http://x.example/debian-security y main\n",
    );
    expect(await hostMirror(folder)).toEqual({ main: "http://m.example/debian" });
  });
});
