/**
 * What only the tests and the bench take from outside: nothing of it runs in a
 * site, so neither the lab nor `components get` without names brings it.
 */
import type { Component } from "./source.ts";

/** The last there was: the project is archived. */
export const KUBEFED = "v0.10.0";

const PEBBLE = "v2.10.1";

const MODULE = "sigs.k8s.io/kubefed";
const SETTINGS = {
  [`${MODULE}/pkg/version.version`]: KUBEFED,
  [`${MODULE}/pkg/version.gitTreeState`]: "clean",
};

export const TOOLS: readonly Component[] = [
  {
    name: "kubefedctl",
    kind: "binary",
    version: KUBEFED,
    reason: "tests only: kubefed's own command must work against our hub",
    expectedSeconds: 120,
    sources: [
      {
        by: "go",
        module: "kubefed",
        packages: { [`${MODULE}/cmd/kubefedctl`]: "kubefedctl" },
        settings: SETTINGS,
      },
    ],
  },
  {
    name: "kubefed",
    kind: "binary",
    version: KUBEFED,
    reason: "bench only: kubefed itself, whose figures stand beside ours",
    expectedSeconds: 170,
    sources: [
      {
        by: "go",
        module: "kubefed",
        packages: { [`${MODULE}/cmd/hyperfed`]: "hyperfed" },
        settings: SETTINGS,
        files: [
          {
            module: MODULE,
            gives: { "charts/kubefed/charts/controllermanager/crds/crds.yaml": "crds.yaml" },
          },
        ],
      },
    ],
  },
  {
    name: "pebble",
    kind: "binary",
    version: PEBBLE,
    reason: "tests only: the ACME authority by which Let's Encrypt has clients tested",
    expectedSeconds: 30,
    sources: [
      {
        by: "go",
        module: "pebble",
        packages: { "github.com/letsencrypt/pebble/v2/cmd/pebble": "pebble" },
        settings: { "main.version": PEBBLE },
      },
    ],
  },
];
