import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { runProcess } from "#base/process.ts";
import { needTool } from "../../../test/tools.ts";
import { bootstrapKubeconfig } from "./kubeconfig.ts";

const CLIENT = { certificate: "CERT\n", key: "KEY\n" };

describe("kubeconfig", () => {
  it("carries the authority, the client's certificate and key, and one current context", () => {
    const config = parse(bootstrapKubeconfig("10.11.0.5:6443", "CA\n", CLIENT));
    expect(config).toEqual({
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        { name: "site", cluster: { "certificate-authority-data": "Q0EK", server: "https://10.11.0.5:6443" } },
      ],
      users: [
        { name: "bootstrap", user: { "client-certificate-data": "Q0VSVAo=", "client-key-data": "S0VZCg==" } },
      ],
      contexts: [{ name: "bootstrap", context: { cluster: "site", user: "bootstrap" } }],
      "current-context": "bootstrap",
    });
  });

  it("is read by kubectl", async (context) => {
    const kubectl = needTool(context, "kubectl");
    const folder = await mkdtemp(join(tmpdir(), "kubeconfig-"));
    context.onTestFinished(() => rm(folder, { recursive: true }));
    const file = join(folder, "config");
    await writeFile(file, bootstrapKubeconfig("10.11.0.5:6443", "CA\n", CLIENT));
    const view = await runProcess([kubectl, "config", "view", "-o", "json", "--kubeconfig", file]);
    expect(view.code).toBe(0);
    expect(JSON.parse(view.stdout)).toMatchObject({
      "current-context": "bootstrap",
      clusters: [{ name: "site", cluster: { server: "https://10.11.0.5:6443" } }],
      contexts: [{ name: "bootstrap", context: { cluster: "site", user: "bootstrap" } }],
    });
  });
});
