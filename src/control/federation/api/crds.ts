/** Every resource of the federation that is not made for a type: what `federate init` installs. */
import { clusterDefinition } from "./cluster.ts";
import { configDefinition } from "./config.ts";
import { conflictDefinition } from "./conflict.ts";
import { crownDefinition } from "./crown.ts";
import type { Definition } from "./definition.ts";
import { deleteBrakeDefinition } from "./delete-brake.ts";
import { mirrorDefinition } from "./mirror.ts";
import { preferenceDefinition } from "./preference.ts";
import { siteAccessDefinition } from "./site-access.ts";
import { siteReportDefinition } from "./site-report.ts";
import { siteRequestDefinition } from "./site-request.ts";
import { typeConfigDefinition } from "./type-config.ts";
import { viewDefinition } from "./view.ts";

export function federationCrds(): readonly Definition[] {
  return [
    clusterDefinition(),
    configDefinition(),
    typeConfigDefinition(),
    preferenceDefinition(),
    mirrorDefinition(),
    crownDefinition(),
    conflictDefinition(),
    deleteBrakeDefinition(),
    siteAccessDefinition(),
    siteReportDefinition(),
    siteRequestDefinition(),
    viewDefinition(),
  ];
}
