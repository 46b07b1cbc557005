import { defineConfig } from "vitest/config";

/**
 * A failed test says so within half an hour, whatever it waits for. A site's
 * machines on two processors wait for those more than for each other: what fails
 * is tried once more, and `test/run.ts` names what passed only then.
 */
const PATIENT = { testTimeout: 30 * 60_000, hookTimeout: 30 * 60_000, retry: 1 };

/** What needs planes alone: etcd and API servers on ports of their own. */
const ON_PLANES = [
  "acme",
  "by-hand",
  "controllers",
  "dnssec",
  "federation*",
  "joining",
  "kube",
  "kubefedctl",
  "objects",
  "replace-members",
  "service",
  "steering",
  "traefik",
  "watchdog",
].map((name) => `test/journeys/${name}.test.ts`);

/**
 * `unit` needs nothing but Node. `planes` and `journeys` run real components and
 * take minutes: planes wait for leases more than they work, so there are two at
 * a time, but only one lab. `xen` boots emulated servers for most of an hour and
 * is not part of `npm test`; `xen-quick` is one file of it, of minutes.
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
          globalSetup: "test/journeys/sweep.ts",
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          ...PATIENT,
        },
      },
      {
        test: {
          name: "xen-quick",
          include: ["test/xen/quick.test.ts"],
          sequence: { groupOrder: 3 },
          ...PATIENT,
        },
      },
      {
        test: {
          name: "xen",
          include: ["test/xen/**/*.test.ts"],
          fileParallelism: false,
          sequence: { groupOrder: 4 },
          ...PATIENT,
        },
      },
    ],
  },
});
