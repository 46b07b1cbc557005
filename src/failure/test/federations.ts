/** Small federations with everything the proof knows, for fast-check. */
import fc from "fast-check";
import type { FederationFile, Server, Site } from "#model/federation.ts";
import { fileOf, network, server, site } from "#plan/test/federations.ts";

const connection = fc.record({
  power: fc.subarray(["mains", "ups"]),
  switches: fc.subarray(["upper", "lower"]),
});

const anyServer = (name: string): fc.Arbitrary<Server> =>
  fc
    .record({
      connection,
      controller: fc.boolean(),
      workers: fc.integer({ min: 0, max: 2 }),
      device: fc.boolean(),
      disks: fc.integer({ min: 1, max: 2 }),
    })
    .map(({ connection: hangsOn, controller, workers, device, disks }) =>
      server(name, {
        ...hangsOn,
        workers,
        disks: Array.from({ length: disks }, (_, index) => ({
          name: `disk-${index}`,
          sizeGiB: 1000,
          ...(controller && { controller: "hba" }),
        })),
        passthrough: device && workers > 0 ? [{ name: "card", pci: "0000:03:00.0", for: "worker" }] : [],
      }),
    );

const anySite = (index: number): fc.Arbitrary<Site> =>
  fc
    .record({
      servers: fc
        .integer({ min: 1, max: 3 })
        .chain((count) => fc.tuple(...Array.from({ length: count }, (_, one) => anyServer(`server-${one}`)))),
      witness: fc.boolean(),
      controlplanes: fc.constantFrom(1, 3, 5),
      lines: fc.integer({ min: 1, max: 2 }),
      router: connection,
      replicas: fc.option(fc.integer({ min: 1, max: 3 })),
    })
    .map(({ servers, witness, controlplanes, lines, router, replicas }) => {
      const external = [`203.0.113.${index * 2 + 1}`, `203.0.113.${index * 2 + 2}`];
      const named = external.map((address, line) => ({ name: `line-${line}`, external: [address] }));
      return site(
        `site-${index}`,
        20 + index,
        witness ? [...servers, server("small", { role: "witness" })] : servers,
        {
          controlplanes,
          ...(replicas !== null && { replicas }),
          network: network(`10.${20 + index}.0.0/24`, { external, lines: lines === 2 ? named : [], router }),
        },
      );
    });

const backups = fc
  .subarray(["nas", "safe"])
  .map((names) => names.map((name) => ({ name, ...(name === "nas" && { site: "site-0" }) })));

/** 1 or 2 sites of 1 to 4 servers, with feeds, switches, lines, controllers, devices and backups. */
export const anyFederation: fc.Arbitrary<FederationFile> = fc
  .record({
    sites: fc
      .integer({ min: 1, max: 2 })
      .chain((count) => fc.tuple(...Array.from({ length: count }, (_, index) => anySite(index)))),
    backups,
  })
  .map(({ sites, backups: copies }) => {
    const file = fileOf(sites);
    return { ...file, federation: { ...file.federation, backups: copies } };
  });
