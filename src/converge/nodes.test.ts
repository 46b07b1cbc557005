import { describe, expect, it } from "vitest";
import { classify } from "./nodes.ts";

const blank = { kubelet: false, manifests: false, etcd: false, done: false };

describe("how far kubeadm came on a machine", () => {
  it("is blank where it left nothing", () => {
    expect(classify(blank)).toBe("blank");
  });

  it("is joined only where it went to its end and the kubelet has its credentials", () => {
    expect(classify({ kubelet: true, manifests: true, etcd: true, done: true })).toBe("joined");
    expect(classify({ kubelet: true, manifests: false, etcd: false, done: true })).toBe("joined");
  });

  it.each([
    ["manifests alone", { ...blank, manifests: true }],
    ["etcd's data alone, as after a lost root disk", { ...blank, etcd: true }],
    ["everything but the end", { kubelet: true, manifests: true, etcd: true, done: false }],
    ["the mark without credentials", { ...blank, done: true }],
  ])("is half with %s", (_what, disk) => {
    expect(classify(disk)).toBe("half");
  });
});
