import { expect, test } from "vitest";
import { fill, hostsInRule, portFrom, secondsFrom, sizeFrom, wordsIn } from "./words.ts";

test.each([
  ["plain", "plain", [], []],
  ["$A and ${B}", " and ", ["A", "B"], []],
  ["${A:-x} ${B-y}", "x y", [], ["A", "B"]],
  ["${A:?must be set}", "", ["A"], []],
  ["${A:+never}", "", [], []],
  ["costs $$5", "costs $5", [], []],
  ["a $ b", "a $ b", [], []],
] as const)("fills %j", (text, filled, unset, defaulted) => {
  expect(fill(text)).toEqual({ text: filled, unset, defaulted });
});

test.each([
  ["run --fast", ["run", "--fast"]],
  [`sh -c "echo 'a b'"`, ["sh", "-c", "echo 'a b'"]],
  ["a'b c'd", ["ab cd"]],
  [String.raw`a\ b "c\"d"`, ["a b", 'c"d']],
  ["  ", []],
] as const)("parts %j into words", (line, words) => {
  expect(wordsIn(line)).toEqual(words);
});

test.each([
  ["512m", "512MiB"],
  ["1.5gb", "1536MiB"],
  ["1048576", "1MiB"],
  ["1k", undefined],
  ["much", undefined],
] as const)("reads the size %j", (text, size) => {
  expect(sizeFrom(text)).toBe(size);
});

test.each([
  ["1m30s", 90],
  ["500ms", 1],
  ["2h", 7200],
  ["5", undefined],
] as const)("reads the time %j", (text, seconds) => {
  expect(secondsFrom(text)).toBe(seconds);
});

test.each([
  ["80", { port: 80, protocol: "TCP" }],
  ["8080:80", { port: 80, protocol: "TCP", published: "8080" }],
  ["127.0.0.1:53:53/udp", { port: 53, protocol: "UDP", published: "53" }],
  ["[::1]:8080:80", { port: 80, protocol: "TCP", published: "8080" }],
  ["127.0.0.1::80", { port: 80, protocol: "TCP", published: "" }],
  ["3000-3005:3000-3005", undefined],
  ["70000", undefined],
  ["http", undefined],
] as const)("reads the port %j", (text, port) => {
  expect(portFrom(text)).toEqual(port);
});

test("finds the host names of a rule", () => {
  expect(hostsInRule("Host(`a.b`, `c.d`) && PathPrefix(`/x`)")).toEqual(["a.b", "c.d"]);
});
