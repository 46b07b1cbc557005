import { expect, it } from "vitest";
import { isUp } from "./verify.ts";

const HEADING = "# pxname,svname,qcur,status,weight";

it("counts a backend as up only where both judgements are", () => {
  const rows = (one: string, other: string) =>
    `${HEADING}\ncontrolplanes,attic-cp-1,0,${one},1\ncontrolplanes,BACKEND,0,UP,1\nreadiness,attic-cp-1,0,${other},1\n`;
  expect(isUp(rows("UP", "UP"), "attic-cp-1")).toBe(true);
  expect(isUp(rows("UP 1/2", "UP"), "attic-cp-1")).toBe(true);
  expect(isUp(rows("UP", "DOWN"), "attic-cp-1")).toBe(false);
  expect(isUp(rows("UP", "UP"), "attic-cp-2")).toBe(false);
  expect(isUp("", "attic-cp-1")).toBe(false);
});
