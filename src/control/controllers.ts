/** Every controller that runs in a site's agent, in one list. */
import type { CrownSite } from "#control/federation/api/crown.ts";
import { applyController } from "#control/federation/agent/apply-controller.ts";
import { conflictController } from "#control/federation/agent/conflict-controller.ts";
import { resting } from "#control/federation/agent/gate.ts";
import { departureController } from "#control/federation/agent/departure-controller.ts";
import { farewellController } from "#control/federation/agent/farewell-controller.ts";
import { graveController } from "#control/federation/agent/grave-controller.ts";
import { heartbeatController } from "#control/federation/agent/heartbeat-controller.ts";
import { mirrorController } from "#control/federation/agent/mirror-controller.ts";
import { preferenceController } from "#control/federation/agent/preference-controller.ts";
import { propagationController } from "#control/federation/agent/propagation-controller.ts";
import { readinessController } from "#control/federation/agent/readiness-controller.ts";
import { revocationController } from "#control/federation/agent/revocation-controller.ts";
import { statusController } from "#control/federation/agent/status-controller.ts";
import type { Term } from "#control/federation/agent/term.ts";
import { typeController } from "#control/federation/agent/type-controller.ts";
import { viewController } from "#control/federation/agent/view-controller.ts";
import { viewMirrorController } from "#control/federation/agent/view-mirror-controller.ts";
import { viewStatusController } from "#control/federation/agent/view-status-controller.ts";
import { accessController } from "#control/federation/join/access-controller.ts";
import { requestController } from "#control/federation/join/request-controller.ts";
import { farewellOf, wasRemoved } from "#control/federation/crown/departure.ts";
import type { Context, Controller } from "#control/runtime/controller.ts";

/**
 * @param ready see `mirrorController`
 * @param publicKey what other sites seal this one's credentials to
 */
export function siteControllers(
  term: Term,
  own: Omit<CrownSite, "seat">,
  ready: (context: Context) => Promise<void>,
  publicKey: string,
): readonly Controller[] {
  const farewell = farewellOf(term.crown, term.site);
  if (farewell) {
    const gone = wasRemoved(term.crown, term.site);
    return [farewellController(term, farewell), ...(gone ? [] : [heartbeatController(term, own)])];
  }
  if (own.kind === "cloud")
    return [
      resting(viewMirrorController(term, ready), "site", term.clock),
      resting(applyController(term), "site", term.clock),
      resting(viewStatusController(term), "hub", term.clock),
      revocationController(),
      heartbeatController(term, own),
      accessController(term, publicKey),
    ];
  return [
    resting(mirrorController(term, ready), "site", term.clock),
    resting(applyController(term), "site", term.clock),
    graveController(term),
    revocationController(),
    heartbeatController(term, own),
    accessController(term, publicKey),
    ...(term.holds
      ? [
          typeController(),
          readinessController(term),
          propagationController(term),
          conflictController(),
          preferenceController(),
          requestController(term),
          departureController(term),
          viewController(term),
        ]
      : [resting(statusController(term), "hub", term.clock)]),
  ];
}
