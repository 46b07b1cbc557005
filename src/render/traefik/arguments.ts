/** Traefik's command line: what can't be changed while it runs. */
import type { SitePlan } from "#plan/plan.ts";
import { ingressAddress } from "../router/forwards.ts";
import { type EntryPoint, type Ground, NAMESPACE, PLUGINS, pluginModule, TRAEFIK } from "./names.ts";

/** Where its own API is, below every name of panels. */
export const API_PATH = "/traefik";

/** Longest upload or slow request: without it Traefik cuts every upload off after a minute. */
const READ_TIMEOUT = "1h";
/** Asked again at another pod after this: on a LAN whoever lives answers a connect at once. */
const DIAL_TIMEOUT = "200ms";

/** Arguments of Traefik at a site. */
export function traefikArguments(site: SitePlan, ground: Ground): readonly string[] {
  return [
    "--global.checknewversion=false",
    "--global.sendanonymoususage=false",
    "--log.level=INFO",
    "--log.format=json",
    ...(["web", "websecure", "metrics", "ping"] as const).map(
      (name) => `--entrypoints.${name}.address=${ground.listen}:${ground.ports[name]}`,
    ),
    ...openTo("web"),
    ...openTo("websecure"),
    "--entrypoints.websecure.http.tls=true",
    ...PROVIDERS,
    `--providers.file.directory=${ground.dynamic}`,
    `--providers.kubernetesgateway.statusaddress.ip=${ingressAddress(site)}`,
    "--api=true",
    "--api.dashboard=false",
    `--api.basepath=${API_PATH}`,
    "--ping=true",
    "--ping.entrypoint=ping",
    "--metrics.prometheus=true",
    "--metrics.prometheus.entrypoint=metrics",
    `--serverstransport.forwardingtimeouts.dialtimeout=${DIAL_TIMEOUT}`,
    ...PLUGINS.map((plugin) => `--experimental.localplugins.${plugin}.modulename=${pluginModule(plugin)}`),
  ];
}

/** What is open to everybody. */
function openTo(name: EntryPoint): readonly string[] {
  const entry = `--entrypoints.${name}`;
  return [
    // Routes that name no entry point are for people, not for the inside.
    `${entry}.asdefault=true`,
    // What a request says of where it came from counts only where it is our own, on its second way through.
    `${entry}.forwardedheaders.trustedips=127.0.0.1/32`,
    `${entry}.transport.respondingtimeouts.readtimeout=${READ_TIMEOUT}`,
    // A pod that ends takes requests until everybody has heard of it, then finishes them.
    `${entry}.transport.lifecycle.requestacceptgracetimeout=5s`,
    `${entry}.transport.lifecycle.gracetimeout=40s`,
    `${entry}.http.middlewares=forged@file`,
  ];
}

const PROVIDERS = [
  "--providers.kubernetesingress=true",
  `--providers.kubernetesingress.ingressclass=${TRAEFIK}`,
  `--providers.kubernetesingress.ingressendpoint.publishedservice=${NAMESPACE}/${TRAEFIK}`,
  // `/app` is no prefix of `/apple`.
  "--providers.kubernetesingress.strictprefixmatching=true",
  "--providers.kubernetescrd=true",
  "--providers.kubernetesgateway=true",
];
