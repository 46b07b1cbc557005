/** What must hold between the parts of a file: each check sees what could be read of the whole. */
import { checkAddresses } from "./checks/addresses.ts";
import { checkCertificates } from "./checks/certificates.ts";
import type { Check } from "./checks/check.ts";
import { checkExternal } from "./checks/external.ts";
import { checkGoals } from "./checks/goals.ts";
import { checkKinds } from "./checks/kinds.ts";
import { checkLines } from "./checks/lines.ts";
import { checkNames } from "./checks/names.ts";
import { checkNetworks } from "./checks/networks.ts";
import { checkNetworkSizes } from "./checks/network-sizes.ts";
import { checkPassthrough } from "./checks/passthrough.ts";
import { checkPlacement } from "./checks/placement.ts";
import { checkServers } from "./checks/servers.ts";
import { checkSiteNames } from "./checks/site-names.ts";
import { checkSizes } from "./checks/sizes.ts";

export const CHECKS: readonly Check[] = [
  checkNames,
  checkCertificates,
  checkKinds,
  checkGoals,
  checkSiteNames,
  checkSizes,
  checkNetworks,
  checkNetworkSizes,
  checkAddresses,
  checkExternal,
  checkLines,
  checkServers,
  checkPassthrough,
  checkPlacement,
];
