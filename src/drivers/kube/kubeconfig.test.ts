import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { inCluster, readKubeconfig } from "./kubeconfig.ts";
import { openToken } from "./token.ts";

const dir = mkdtempSync(join(tmpdir(), "kubeconfig-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const base64 = (text: string): string => Buffer.from(text).toString("base64");
function put(name: string, content: object | string): string {
  const file = join(dir, name);
  writeFileSync(file, typeof content === "string" ? content : stringify(content));
  return file;
}
function config(cluster: object, user: object): object {
  return {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "home",
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user }],
    contexts: [
      { name: "home", context: { cluster: "c", user: "u" } },
      { name: "away", context: { cluster: "c", user: "u", namespace: "shed" } },
    ],
  };
}

describe("a kubeconfig", () => {
  it("gives what it embeds, over the files it names", async () => {
    const cluster = {
      server: "https://a.example:6443/",
      "certificate-authority-data": base64("CA"),
      "certificate-authority": "nowhere",
      "tls-server-name": "api",
    };
    const user = { "client-certificate-data": base64("CERT"), "client-key-data": base64("KEY") };
    expect(await readKubeconfig(put("embedded", config(cluster, user)))).toEqual({
      context: "home",
      namespace: "default",
      settings: {
        server: "https://a.example:6443",
        authority: "CA",
        client: { certificate: "CERT", key: "KEY" },
        servername: "api",
      },
    });
  });

  it("names files relative to itself, and other contexts", async () => {
    put("ca.pem", "CA from file");
    const cluster = { server: "https://a.example", "certificate-authority": "ca.pem" };
    const file = put("files", config(cluster, { tokenFile: "token" }));
    const { settings, namespace } = await readKubeconfig(file, "away");
    expect(namespace).toBe("shed");
    expect(settings).toEqual({
      server: "https://a.example",
      authority: "CA from file",
      token: { file: join(dir, "token") },
    });
  });

  it.each([
    ["KUBECONFIG_UNREADABLE", "a: [", undefined],
    ["KUBECONFIG_UNREADABLE", { kind: "Pod" }, undefined],
    ["KUBECONFIG_UNREADABLE", config({ server: "not a url" }, {}), undefined],
    ["KUBECONFIG_NO_CONTEXT", config({ server: "https://a" }, {}), "moon"],
    ["KUBECONFIG_NO_CONTEXT", { contexts: null }, undefined],
    ["KUBECONFIG_UNSUPPORTED", config({ server: "https://a" }, { exec: { command: "aws" } }), undefined],
    ["KUBECONFIG_UNSUPPORTED", config({ server: "https://a", "proxy-url": "socks5://b" }, {}), undefined],
    ["KUBECONFIG_STORE", config({ server: "https://a", "certificate-authority": "gone" }, {}), undefined],
  ])("is refused as %s", async (code, content, context) => {
    await expect(readKubeconfig(put("wrong", content), context)).rejects.toThrow(code);
  });
});

describe("a pod's account", () => {
  it("is what kubelet puts there", async () => {
    for (const name of ["namespace", "ca.crt", "token"]) put(name, `${name}\n`);
    const env = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
    expect(await inCluster(env, dir)).toEqual({
      context: "in-cluster",
      namespace: "namespace",
      settings: {
        server: "https://[fd00::1]:443",
        authority: "ca.crt\n",
        token: { file: join(dir, "token") },
      },
    });
    await expect(inCluster({}, dir)).rejects.toThrow("KUBECONFIG_NOT_IN_CLUSTER");
  });

  it("has a token that is read again when it changed, at once where it was refused", async () => {
    const file = put("renewed", "one\n");
    let now = 0;
    const token = openToken({ file }, () => now);
    expect(await token.current()).toBe("one");
    put("renewed", "second\n");
    expect(await token.current()).toBe("one");
    now = 1500;
    expect(await token.current()).toBe("second");
    expect(await token.refused("second")).toBe(false);
    put("renewed", "third one\n");
    expect(await token.refused("second")).toBe(true);
    expect(await token.current()).toBe("third one");
    await expect(openToken({ file: join(dir, "none") }).current()).rejects.toThrow("KUBE_TOKEN_FILE");
  });
});
