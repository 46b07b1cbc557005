/**
 * Answers of a real Knot with what an ECAM gives it, while steering's changes come
 * each second: one core serves, the other asks. The generator is dnsperf (Debian's
 * package of that name), which only this bench needs.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProcess } from "#base/process.ts";
import { zoneKeyFile } from "#converge/pki/zone-key.ts";
import type { Plan } from "#plan/plan.ts";
import { fixturePlan } from "#render/fixture.ts";
import type { NameServer } from "#ports/names.ts";
import { freePorts } from "../test/kube/ports.ts";
import { makeKnot, openKnot } from "../test/names/knot.ts";
import { findTool } from "../test/tools.ts";
import type { Figure } from "./figure.ts";

const SECONDS = 15;
const UPDATE_EVERY_MS = 1000;
const FIGURE = "answers of one name server on one core, changed each second";
const GOAL = "≥ 50000";

/** @param say takes a line where it can't be measured here */
export async function dnsBench(say: (line: string) => void): Promise<readonly Figure[]> {
  const [knotd, dnsperf] = [findTool("knotd"), findTool("dnsperf")];
  if (knotd === undefined || dnsperf === undefined) {
    say("needs knotd and dnsperf: apt-get install knot dnsperf");
    return [{ figure: FIGURE, value: Number.NaN, unit: "/s", goal: GOAL }];
  }
  return [
    ...(await measured(knotd, dnsperf, { figure: FIGURE, signed: false })),
    ...(await measured(knotd, dnsperf, {
      figure: "the same of a signed domain, with the signatures",
      signed: true,
    })),
  ];
}

async function measured(
  knotd: string,
  dnsperf: string,
  { figure, signed }: { readonly figure: string; readonly signed: boolean },
): Promise<readonly Figure[]> {
  const { plan: unsigned, site } = fixturePlan();
  const plan: Plan = signed ? { ...unsigned, dnssec: true } : unsigned;
  const [port = 0] = await freePorts(1);
  const listen = [`127.0.0.1@${port}`];
  const prefix = ["taskset", "--cpu-list", "0"];
  const folder = mkdtempSync(join(tmpdir(), "panopticon-dnsperf-"));
  const { content: zoneKey } = await zoneKeyFile(folder);
  const knot = makeKnot({ knotd, plan, site, machine: "attic-ecam-1", listen, prefix, zoneKey });
  try {
    await knot.start();
    const queries = join(folder, "queries");
    writeFileSync(queries, questions(plan.domain).join("\n"));
    const server = openKnot(knot, port);
    const changing = keepChanging(server, plan.domain);
    const argv = ["-s", "127.0.0.1", "-p", String(port), "-d", queries, "-l", String(SECONDS), "-c", "8"];
    if (signed) argv.push("-e", "-D");
    const { stdout } = await runProcess(["taskset", "--cpu-list", "1", dnsperf, ...argv]);
    const { changes, failures } = await changing.end();
    return figures(figure, stdout, changes, failures);
  } finally {
    await knot.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What users ask: the domain, services by the wildcard and one with records of its own, now and then nothing. */
function questions(domain: string): readonly string[] {
  const names = Array.from({ length: 100 }, (_, index) => `app${index}.${domain} A`);
  return [`${domain} A`, `shop.${domain} A`, `www.shop.${domain} A`, `${domain} AAAA`, ...names];
}

function keepChanging(server: NameServer, domain: string) {
  let [changes, failures] = [0, 0];
  const change = async (): Promise<void> => {
    const values = ["203.0.113.10", "198.51.100.10"].slice(changes % 2);
    const set = (name: string) => ({ name, type: "A" as const, ttl: 5, values });
    changes += 1;
    await server
      .update({ replace: [set(domain), set(`*.${domain}`), set(`shop.${domain}`)], remove: [] })
      .catch(() => (failures += 1));
  };
  let under: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    under = change();
  }, UPDATE_EVERY_MS);
  return {
    end: async () => {
      clearInterval(timer);
      await under;
      return { changes, failures };
    },
  };
}

function figures(figure: string, said: string, changes: number, failures: number): readonly Figure[] {
  const number = (pattern: RegExp): number => Number(pattern.exec(said)?.[1] ?? Number.NaN);
  return [
    { figure, value: number(/Queries per second:\s+([\d.]+)/), unit: "/s", goal: GOAL },
    { figure: "  of them lost", value: number(/Queries lost:\s+(\d+)/), unit: "", goal: "0" },
    {
      figure: "  mean time of an answer",
      value: number(/Average Latency \(s\):\s+([\d.]+)/) * 1000,
      unit: "ms",
      goal: "",
    },
    { figure: `  changes refused of ${changes}`, value: failures, unit: "", goal: "0" },
  ];
}
