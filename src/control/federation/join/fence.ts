/**
 * The fence around credentials: whatever rights another site's agent has been
 * given, it writes the entries of its own site and no others; a join token asks
 * to join and does nothing else.
 */
import { CORE_GROUP, FEDERATION_GROUP, SCHEDULING_GROUP, SYSTEM_NAMESPACE } from "../api/names.ts";
import { SEATS } from "../api/crown.ts";
import { VIEW_NAMESPACE_PREFIX } from "../api/view.ts";
import { type Policy, WRITES } from "../crown/policy.ts";
import { BY_JOINER, byOwnAgent, CALLING_SITE, CALLING_TOKEN, quoted } from "./identity.ts";

/** What an agent of another site may write at all; the rest of its validations are about whose it is. */
const MAY_WRITE: Readonly<Record<string, readonly string[]>> = {
  [`${CORE_GROUP}/kubefedclusters`]: ["CREATE", "UPDATE"],
  [`${FEDERATION_GROUP}/crowns`]: ["UPDATE"],
  [`${FEDERATION_GROUP}/conflicts`]: ["CREATE"],
  [`${FEDERATION_GROUP}/siteaccesses`]: ["CREATE", "UPDATE"],
  [`${FEDERATION_GROUP}/sitereports`]: ["CREATE", "UPDATE"],
  [`${FEDERATION_GROUP}/views`]: ["CREATE"],
  [`${FEDERATION_GROUP}/views/status`]: ["UPDATE"],
  "coordination.k8s.io/leases": ["CREATE", "UPDATE"],
};

/** @param federated groups of federated types */
export function agentPolicy(site: string, agent: string, federated: readonly string[]): Policy {
  // Whose entry of a status it is, another policy says; this is what agents write most.
  const status = `request.resource.group in [${federated.map(quoted).join(", ")}] && has(request.subResource) && request.subResource == 'status' && request.operation == 'UPDATE'`;
  const listed = Object.entries(MAY_WRITE).map(
    ([what, operations]) =>
      `variables.what == ${quoted(what)} && request.operation in [${operations.map(quoted).join(", ")}]`,
  );
  const of = (what: string, holds: string): string => `variables.what != ${quoted(what)} || (${holds})`;
  const own = "object.metadata.name == variables.site";
  const labels = (object: string): string =>
    `(has(${object}.metadata.labels) ? ${object}.metadata.labels : {})`;
  return {
    name: "agents",
    about: `${CALLING_SITE} != '' && !${byOwnAgent(site, agent)} && !(${status})`,
    rules: [
      { groups: [...federated, CORE_GROUP, SCHEDULING_GROUP, FEDERATION_GROUP], resources: ["*/*"] },
      { groups: ["coordination.k8s.io"], resources: ["leases"] },
    ],
    operations: WRITES,
    byCrown: false,
    variables: {
      site: CALLING_SITE,
      part: "has(request.subResource) ? request.subResource : ''",
      what: "request.resource.group + '/' + request.resource.resource + (variables.part == '' ? '' : '/' + variables.part)",
    },
    validations: [
      {
        expression: listed.map((one) => `(${one})`).join(" || "),
        message: "an agent of another site tells its status, beats and registers, and writes nothing else",
      },
      {
        expression: of(`${CORE_GROUP}/kubefedclusters`, own),
        message: "an agent writes the cluster of its own site only",
      },
      {
        // Labels decide what is placed on a site: they are the hub's to give.
        expression: of(
          `${CORE_GROUP}/kubefedclusters`,
          `${labels("object")} == (oldObject == null ? {} : ${labels("oldObject")})`,
        ),
        message: "an agent does not label its own site",
      },
      {
        expression: of(`${FEDERATION_GROUP}/siteaccesses`, own),
        message: "an agent writes the access of its own site only",
      },
      {
        expression: of(`${FEDERATION_GROUP}/sitereports`, own),
        message: "an agent tells how its own site fares only",
      },
      {
        expression: of(
          "coordination.k8s.io/leases",
          `object.metadata.namespace == ${quoted(SYSTEM_NAMESPACE)} && object.metadata.name == 'site-' + variables.site`,
        ),
        message: "an agent beats for its own site only",
      },
      {
        expression: of(
          `${FEDERATION_GROUP}/conflicts`,
          "object.spec.site == variables.site && !has(object.spec.resolution)",
        ),
        message: "an agent tells the conflicts of its own site, and decides none",
      },
      {
        expression: `!(request.resource.group == ${quoted(FEDERATION_GROUP)} && request.resource.resource == 'views') || object.metadata.namespace == ${quoted(VIEW_NAMESPACE_PREFIX)} + variables.site`,
        message: "an agent tells of what its own site is shown, and asks for it alone",
      },
      {
        expression: of(`${FEDERATION_GROUP}/views`, "has(object.spec.asked) && object.spec.asked"),
        message: "what a site is shown is the hub's word: an agent only asks",
      },
      { expression: of(`${FEDERATION_GROUP}/crowns`, REGISTERS), message: REGISTERS_MESSAGE },
    ],
  };
}

const REGISTERS_MESSAGE =
  "an agent adds or changes the entry of its own site in the crown, with a seat that nobody had, and nothing else";

/** All but the own entry stays; a new one takes a seat that nobody had, a known one keeps kind and seat. */
const REGISTERS = [
  "object.spec.epoch == oldObject.spec.epoch",
  "object.spec.holder == oldObject.spec.holder",
  "object.spec.history == oldObject.spec.history",
  "has(object.spec.frozen) == has(oldObject.spec.frozen)",
  "(!has(object.spec.frozen) || object.spec.frozen == oldObject.spec.frozen)",
  "object.spec.sites.filter(s, s.name != variables.site) == oldObject.spec.sites.filter(s, s.name != variables.site)",
  "object.spec.sites.filter(s, s.name == variables.site).all(mine, oldObject.spec.sites.exists(s, s.name == variables.site)" +
    " ? oldObject.spec.sites.exists(s, s.name == mine.name && s.kind == mine.kind && s.seat == mine.seat && (has(s.leaving) ? s.leaving : '') == (has(mine.leaving) ? mine.leaving : ''))" +
    ` : mine.seat == 0 || !(oldObject.spec.sites.exists(s, s.seat == mine.seat) || oldObject.spec.history.exists(h, h.epoch % ${SEATS} == mine.seat) || has(oldObject.spec.lastSeat) && mine.seat <= oldObject.spec.lastSeat))`,
  "has(object.spec.witness) == has(oldObject.spec.witness)",
  "(!has(object.spec.witness) || object.spec.witness == oldObject.spec.witness)",
  // A site that was removed does not let itself in again.
  "(has(object.spec.departed) ? object.spec.departed : []) == (has(oldObject.spec.departed) ? oldObject.spec.departed : [])",
  "(has(object.spec.lastSeat) ? object.spec.lastSeat : 0) == (has(oldObject.spec.lastSeat) ? oldObject.spec.lastSeat : 0)",
  "(!has(object.spec.departed) || object.spec.departed.all(d, d.name != variables.site))",
  "object.spec.sites.size() >= oldObject.spec.sites.size()",
].join(" && ");

/** A join token makes requests of its own, which somebody else decides. */
export function joinPolicy(federated: readonly string[]): Policy {
  return {
    name: "joining",
    about: BY_JOINER,
    rules: [{ groups: [...federated, CORE_GROUP, SCHEDULING_GROUP, FEDERATION_GROUP], resources: ["*/*"] }],
    operations: WRITES,
    byCrown: false,
    validations: [
      {
        expression: `request.resource.group == ${quoted(FEDERATION_GROUP)} && request.resource.resource == 'siterequests' && !has(request.subResource) && request.operation == 'CREATE'`,
        message: "a join token is for asking to join, and for nothing else",
      },
      {
        expression: `request.resource.resource != 'siterequests' || object.spec.token == ${CALLING_TOKEN} && !has(object.spec.decision)`,
        message: "a request names the token that it is made with, and does not decide itself",
      },
    ],
  };
}
