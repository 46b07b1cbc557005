/** The watchdog over workers as a service of an ECAM. */
import type { RenderedFile } from "#render/files.ts";
import { emitJson } from "../formats/data.ts";
import type { Target } from "../target.ts";
import { credentialOf, programUnit } from "./program-unit.ts";
import { siteWatchdog, WATCHDOG_FOLDER, WATCHDOG_RUNTIME, WATCHDOG_SECRETS } from "./watchdog.ts";

const UNIT = "panopticon-watchdog.service";

/** The configuration and the unit. */
export function watchdogFiles(target: Target): RenderedFile[] {
  return [
    { path: `${WATCHDOG_FOLDER}/config.json`, content: configuration(target), mode: 0o644 },
    { path: `/etc/systemd/system/${UNIT}`, content: unit(), mode: 0o644 },
  ];
}

function configuration(target: Target): string {
  const { api, ...rest } = siteWatchdog(target);
  return emitJson({ ...rest, api: { ...api, key: credentialOf(UNIT, api.key) } });
}

function unit(): string {
  return programUnit({
    description: "Watchdog over the site's workers",
    after: "network.target haproxy.service",
    run: ["watchdog", "run", "--config", `${WATCHDOG_FOLDER}/config.json`],
    secrets: { folder: WATCHDOG_FOLDER, names: [WATCHDOG_SECRETS.key] },
    service: [
      ["RuntimeDirectory", WATCHDOG_RUNTIME],
      ["RuntimeDirectoryMode", "0755"],
    ],
    memory: "192M",
  });
}
