import { createServer, type Server } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { machinesOf } from "#plan/plan.ts";
import { siteWatchdog } from "#render/ecam/watchdog.ts";
import { labPlatform } from "#render/files.ts";
import { fixturePlan } from "#render/fixture.ts";
import { parseWatchdogConfig } from "./config.ts";
import { probeWorker } from "./probe.ts";

describe("the watchdog's configuration", () => {
  const { plan, site } = fixturePlan();
  const [machine] = machinesOf(site, "ecam");
  if (!machine) throw new Error("the fixture has an ECAM");
  const rendered = siteWatchdog({ plan, site, machine, platform: labPlatform("v2") });
  const read = (value: unknown) => parseWatchdogConfig(JSON.stringify(value), "config.json");

  it("is what is rendered, and nothing else", () => {
    expect(read(rendered)).toEqual(rendered);
    expect(() => read({ ...rendered, more: 1 })).toThrow("WATCHDOG_CONFIG");
    const api = { ...rendered.api, server: "http://10.0.0.1:6443" };
    expect(() => read({ ...rendered, api })).toThrow("WATCHDOG_CONFIG");
    const workers = [...rendered.workers, ...rendered.workers];
    expect(() => read({ ...rendered, workers })).toThrow(/WATCHDOG_CONFIG.*same name/);
    expect(() => parseWatchdogConfig("{", "config.json")).toThrow("WATCHDOG_CONFIG");
  });
});

describe("a probe", () => {
  async function listening(): Promise<{ server: Server; port: number }> {
    const server = createServer((socket) => socket.on("error", () => undefined));
    onTestFinished(() => void server.close());
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    const address = server.address();
    return { server, port: typeof address === "object" && address ? address.port : 0 };
  }

  it("tells an answer from a refusal", async () => {
    const { server, port } = await listening();
    expect(await probeWorker("127.0.0.1", port, 1000)).toBe("answers");
    await new Promise((closed) => server.close(closed));
    expect(await probeWorker("127.0.0.1", port, 1000)).toBe("refuses");
  });

  it("hears an answer that came while this process stood still", async () => {
    const { port } = await listening();
    const probe = probeWorker("127.0.0.1", port, 50);
    const end = performance.now() + 200;
    while (performance.now() < end);
    expect(await probe).toBe("answers");
  });
});
