import { defineConfig } from "vitest/config";

/** A failed test says so within half an hour, whatever it waits for. */
const PATIENT = { testTimeout: 30 * 60_000, hookTimeout: 30 * 60_000 };

/** What needs planes alone: etcd and API servers on ports of their own. */
const ON_PLANES = ["by-hand", "controllers", "federation*", "joining", "kube", "kubefedctl", "service"].map(
  (name) => `test/journeys/${name}.test.ts`,
);

/**
 * `unit` needs nothing but Node. `planes` and `journeys` run real components and
 * take minutes: planes wait for leases more than they work, so there are two at
 * a time, but only one lab.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["src/**/*.test.ts", "components/**/*.test.ts", "test/golden/**/*.test.ts"],
          isolate: false,
          testTimeout: 30_000,
        },
      },
      {
        test: { name: "planes", include: ON_PLANES, maxWorkers: 2, sequence: { groupOrder: 1 }, ...PATIENT },
      },
      {
        test: {
          name: "journeys",
          include: ["test/journeys/**/*.test.ts"],
          exclude: ON_PLANES,
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          ...PATIENT,
        },
      },
    ],
  },
});
