/**
 * Loaded into a witness's process before all else (NODE_OPTIONS=--import=…):
 * while the file that DIE_BEFORE_ANSWER names is there, the process dies of a
 * SIGKILL at the very moment at which it would say that it gives its vote.
 */
import { existsSync } from "node:fs";
import { ServerResponse } from "node:http";

const marker = process.env["DIE_BEFORE_ANSWER"] ?? "";

type End = (this: ServerResponse, ...given: readonly unknown[]) => unknown;

const end = Reflect.get(ServerResponse.prototype, "end") as End;
const dying: End = function (...given) {
  if (String(given[0]).includes('"granted":true') && existsSync(marker)) process.kill(process.pid, "SIGKILL");
  return Reflect.apply(end, this, given);
};
Reflect.set(ServerResponse.prototype, "end", dying);
