/** Steering as a service of an ECAM. */
import type { RenderedFile } from "#render/files.ts";
import { emitJson } from "../formats/data.ts";
import type { Target } from "../target.ts";
import { credentialOf, programUnit } from "./program-unit.ts";
import { siteSteering, STEERING_FOLDER, STEERING_SECRETS } from "./steering.ts";

const UNIT = "panopticon-steering.service";

/** The configuration and the unit. */
export function steeringFiles({ plan, site }: Target): RenderedFile[] {
  return [
    { path: `${STEERING_FOLDER}/config.json`, content: configuration(plan, site), mode: 0o644 },
    { path: `/etc/systemd/system/${UNIT}`, content: unit(), mode: 0o644 },
  ];
}

function configuration(plan: Target["plan"], site: Target["site"]): string {
  const { tls, own, ...rest } = siteSteering(plan, site);
  const secret = (name: string): string => credentialOf(UNIT, name);
  return emitJson({
    ...rest,
    tls: { ...tls, key: secret(tls.key) },
    ...(own && { own: { ...own, tsig: { ...own.tsig, secretFile: secret(own.tsig.secretFile) } } }),
  });
}

function unit(): string {
  const { key, tsig } = STEERING_SECRETS;
  return programUnit({
    description: "Steering of the federation's names",
    after: "network.target knot.service",
    run: ["dns", "run", "--config", `${STEERING_FOLDER}/config.json`],
    secrets: { folder: STEERING_FOLDER, names: [key, tsig] },
    service: [
      ["RuntimeDirectory", "panopticon"],
      ["RuntimeDirectoryMode", "0755"],
    ],
    memory: "256M",
  });
}
