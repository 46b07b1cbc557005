/**
 * What Traefik reads from its file: names of the site, panels, and what holds
 * for every route. Whoever is asked as `app.siteN.domain` asks itself once more
 * as `app.domain`, so that routes of every kind know of no site.
 */
import type { Plan, SitePlan } from "#plan/plan.ts";
import { ECAM_PANEL_PORT, ecamPanelPath } from "../ecam/panel.ts";
import { HOST_NAME, word } from "../refuse.ts";
import { ecamsOf } from "../target.ts";
import { API_PATH } from "./arguments.ts";
import { panelPage } from "./panel-page.ts";
import type { Ground } from "./names.ts";

/** Before every route of a service, of whatever kind. */
const SITE_PRIORITY = 1_000_000;
const HEALTH_PRIORITY = SITE_PRIORITY + 1;
const HTTPS_PRIORITY = SITE_PRIORITY + 2;
const CONTROL_PRIORITY = SITE_PRIORITY + 3;
/** The first label of the panels' names. */
const CONTROL = "control";
/** Every path of the panels' name that is no panel's. */
const REST_PRIORITY = 1;

export interface DynamicConfig {
  readonly http: {
    readonly routers: Readonly<Record<string, Router>>;
    readonly services: Readonly<Record<string, object>>;
    readonly middlewares: Readonly<Record<string, object>>;
    readonly serversTransports: Readonly<Record<string, object>>;
  };
  readonly tls: object;
}

export interface Router {
  readonly entryPoints: readonly string[];
  readonly rule: string;
  readonly priority?: number;
  readonly middlewares?: readonly string[];
  readonly service: string;
  readonly tls?: object;
}

/** The site's dynamic configuration. */
export function dynamicConfig(plan: Plan, site: SitePlan, ground: Ground): DynamicConfig {
  const domain = word(plan.domain, "traefik", HOST_NAME);
  const siteDomain = word(site.domain, "traefik", HOST_NAME);
  const panels = panelRoutes(domain, site);
  const page = panelPage(plan, site);
  return {
    http: {
      routers: { ...edgeRouters(siteDomain), ...controlRouters(domain, siteDomain), ...panels.routers },
      services: { ...loops(ground), ...panels.services },
      middlewares: {
        ...everywhere(ground),
        // What is behind a credential is refused where nobody asks for one, whichever way a name is written.
        "site-name": { plugin: { sitename: { from: siteDomain, to: domain, except: CONTROL } } },
        "control-site": { plugin: { sitename: { from: siteDomain, to: domain } } },
        "panel-index": { plugin: { panelindex: page } },
        ...guard(ground),
        ...panels.middlewares,
      },
      serversTransports: { loop: loopTransport(domain) },
    },
    tls: { options: { default: { minVersion: "VersionTLS12" } } },
  };
}

function edgeRouters(siteDomain: string): Record<string, Router> {
  const names = `HostRegexp(\`^.+\\.${siteDomain.replaceAll(".", "\\.")}\\.?$\`)`;
  const site = { rule: names, priority: SITE_PRIORITY, middlewares: ["site-name"] };
  return {
    // Whoever proves by HTTP that a name is his must be asked by HTTP.
    "to-https": {
      entryPoints: ["web"],
      rule: "!PathPrefix(`/.well-known/acme-challenge/`)",
      priority: HTTPS_PRIORITY,
      middlewares: ["to-https"],
      service: "noop@internal",
    },
    health: {
      entryPoints: ["websecure"],
      rule: `Host(\`health.${siteDomain}\`)`,
      priority: HEALTH_PRIORITY,
      service: "ping@internal",
      tls: {},
    },
    "site-name-web": { entryPoints: ["web"], ...site, service: "loop-web" },
    "site-name": { entryPoints: ["websecure"], ...site, service: "loop", tls: {} },
  };
}

/**
 * The one way to panels, whoever made their routes: who has the credential asks
 * Traefik itself once more, and routes at that name see nobody else.
 */
function controlRouters(domain: string, siteDomain: string): Record<string, Router> {
  const here = `Host(\`${CONTROL}.${domain}\`)`;
  const atSite = `HostRegexp(\`^${CONTROL}\\.${siteDomain.replaceAll(".", "\\.")}\\.?$\`)`;
  const secure = { entryPoints: ["websecure"], priority: CONTROL_PRIORITY, service: "loop", tls: {} };
  return {
    "control-web": {
      entryPoints: ["web"],
      rule: `${here} || ${atSite}`,
      priority: CONTROL_PRIORITY,
      middlewares: ["to-https"],
      service: "noop@internal",
    },
    control: { ...secure, rule: `${here} && !ClientIP(\`127.0.0.1/32\`)`, middlewares: ["panels"] },
    "control-site": { ...secure, rule: atSite, middlewares: ["panels", "control-site"] },
  };
}

/** Back to our own entry points. */
function loops({ ports }: Ground): Record<string, object> {
  const to = (url: string) => ({ servers: [{ url }], serversTransport: "loop", passHostHeader: true });
  return {
    loop: { loadBalancer: to(`https://127.0.0.1:${ports.websecure}`) },
    "loop-web": { loadBalancer: to(`http://127.0.0.1:${ports.web}`) },
  };
}

/**
 * On loopback nobody but Traefik itself can listen at its port: who answers
 * needs no proof, and one would tie every name of the site to whoever signs its
 * certificate next. The name is one that the certificate has.
 */
function loopTransport(domain: string): object {
  return {
    serverName: `loop.${domain}`,
    insecureSkipVerify: true,
    maxIdleConnsPerHost: 512,
    forwardingTimeouts: { dialTimeout: "1s" },
  };
}

/** What every request passes. */
function everywhere({ ports }: Ground): Record<string, object> {
  return {
    "to-https": {
      redirectScheme: {
        scheme: "https",
        permanent: true,
        ...(ports.websecure !== 443 && { port: String(ports.websecure) }),
      },
    },
    // For routes that name it. Only where no connection came about: a request that was sent is never sent twice.
    // Not for every route: an HTTP/2 backend that is quicker than Traefik's own notes is answered for with nothing.
    retry: { retry: { attempts: 3, initialInterval: "20ms" } },
    // Traefik takes away what forges `X-Forwarded-…`; to many a backend an underscore is the same letter.
    forged: { headers: { customRequestHeaders: Object.fromEntries(FORGED.map((name) => [name, ""])) } },
  };
}

const FORGED = ["For", "Host", "Port", "Proto", "Server", "Prefix", "Uri", "Method"]
  .map((name) => `X_Forwarded_${name}`)
  .concat("X_Real_Ip");

/** What stands before the panels' names. The credential goes no further. */
function guard({ users }: Ground): Record<string, object> {
  return {
    panels: { chain: { middlewares: ["panels-login", "panels-headers"] } },
    "panels-login": { basicAuth: { usersFile: users, realm: "Panopticon", removeHeader: true } },
    "panels-headers": {
      headers: {
        contentTypeNosniff: true,
        referrerPolicy: "same-origin",
        customFrameOptionsValue: "SAMEORIGIN",
      },
    },
  };
}

interface Panels {
  readonly routers: Record<string, Router>;
  readonly services: Record<string, object>;
  readonly middlewares: Record<string, object>;
}

/** Our own panels: Traefik's API and the statistics of each ECAM's HAProxy. */
function panelRoutes(domain: string, site: SitePlan): Panels {
  const host = `Host(\`${CONTROL}.${domain}\`)`;
  const panel = (rule: string, service: string, rest: Partial<Router> = {}): Router => ({
    entryPoints: ["websecure"],
    rule,
    service,
    tls: {},
    ...rest,
  });
  const answers = (rule: string, middleware: string, priority: number): Router =>
    panel(rule, "noop@internal", { middlewares: [middleware], priority });
  const top = (path: string) => `${host} && (Path(\`${path}\`) || Path(\`${path}/\`))`;
  const ecams = ecamsOf(site);
  return {
    routers: {
      "panel-rest": answers(host, "panel-index", REST_PRIORITY),
      "panel-traefik": panel(`${host} && PathPrefix(\`${API_PATH}/\`)`, "api@internal"),
      "panel-traefik-top": answers(top(API_PATH), "panel-traefik-top", 10_000),
      "panel-haproxy-top": answers(top("/haproxy"), "panel-haproxy-top", 10_000),
      ...Object.fromEntries(
        ecams.map(({ name }) => [
          `panel-haproxy-${name}`,
          panel(`${host} && PathPrefix(\`${ecamPanelPath(name)}\`)`, `haproxy-${name}`),
        ]),
      ),
    },
    services: Object.fromEntries(
      ecams.map(({ name, address }) => [
        `haproxy-${name}`,
        { loadBalancer: { servers: [{ url: `http://${address}:${ECAM_PANEL_PORT}` }] } },
      ]),
    ),
    middlewares: {
      "panel-traefik-top": toPath(`${API_PATH}/api/overview`),
      "panel-haproxy-top": toPath(ecamPanelPath(ecams[0]?.name ?? "")),
    },
  };
}

/** Sends the browser to a path of whatever name it asked by, which may be a site's. */
function toPath(path: string): object {
  return { redirectRegex: { regex: "^.*$", replacement: path } };
}
