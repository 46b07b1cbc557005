/** Our Kubernetes client against a real API server that is killed, frozen, restored and made to forget. */
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { describeKube } from "#ports/kube.suite.ts";
import { startPlane } from "../kube/plane.ts";
import { planeObstacle, skipWithoutPlanes } from "../kube/programs.ts";

const obstacle = await planeObstacle();

describeKube(
  "undici client, kube-apiserver",
  async () => {
    const plane = await startPlane({ controllers: false });
    const { apiServer, etcd } = plane;
    const data = join(plane.dir, "etcd");
    const kept = join(plane.dir, "etcd-kept");
    const whileDown = async (work: () => Promise<void>): Promise<void> => {
      await apiServer.kill();
      await etcd.kill();
      await work();
      await etcd.start();
      await apiServer.start();
    };
    return {
      kube: plane.open(),
      kill: () => apiServer.kill(),
      start: () => apiServer.start(),
      freeze: () => apiServer.freeze(),
      thaw: () => apiServer.thaw(),
      compact: () => plane.compact(),
      backup: async () => {
        await whileDown(() => cp(data, kept, { recursive: true }));
        return () =>
          whileDown(async () => {
            await rm(data, { recursive: true });
            await cp(kept, data, { recursive: true });
          });
      },
      clean: () => plane.remove(),
    };
  },
  (context) => skipWithoutPlanes(context, obstacle),
);
