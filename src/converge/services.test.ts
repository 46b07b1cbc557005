import { describe, expect, it } from "vitest";
import { labPlatform, XEN } from "#render/files.ts";
import { reactions } from "./services.ts";

const LAB = labPlatform("v2");

const words = (...commands: Parameters<typeof reactions>) =>
  reactions(...commands).map((argv) => argv.join(" "));

describe("what follows when files were written", () => {
  it("only starts what is enabled on a machine where nothing ran", () => {
    const down = [
      "panopticon-ground.service",
      "panopticon-masquerade.service",
      "containerd.service",
      "kubelet.service",
    ];
    expect(
      words("worker", LAB, ["/etc/containerd/config.toml", "/etc/systemd/system/kubelet.service"], down),
    ).toEqual([`systemctl enable --quiet --now ${down.join(" ")}`]);
  });

  it("restarts the service that reads the file, and no other", () => {
    expect(words("worker", LAB, ["/etc/containerd/config.toml"], [])[0]).toBe(
      "systemctl try-restart containerd.service",
    );
  });

  it("lets HAProxy take new settings without dropping its connections", () => {
    expect(words("ecam", LAB, ["/etc/haproxy/haproxy.cfg"], [])[0]).toBe(
      "systemctl try-reload-or-restart haproxy.service",
    );
  });

  it("reads units anew before it restarts one that changed", () => {
    const [first, second] = words("controlplane", LAB, ["/etc/systemd/system/containerd.service"], []);
    expect([first, second]).toEqual(["systemctl daemon-reload", "systemctl try-restart containerd.service"]);
  });

  it("loads modules and settings into a kernel of the machine's own, and knows no ground there", () => {
    const [restart, enable] = words("worker", XEN, ["/etc/modules-load.d/panopticon.conf"], []);
    expect(restart).toBe("systemctl try-restart systemd-modules-load.service systemd-sysctl.service");
    expect(enable).not.toContain("panopticon-ground");
  });

  it("brings new routes to the machine's own interface", () => {
    expect(words("worker", XEN, ["/etc/systemd/network/10-eth0.network"], []).slice(0, 2)).toEqual([
      "networkctl reload",
      "networkctl reconfigure eth0",
    ]);
  });
});
