/**
 * A site's front door as Kubernetes objects: Traefik, its address, and what
 * stands before every service. Their kinds must be known to the API (Traefik's
 * and the Gateway API's resource definitions), and the namespace be there first.
 */
import type { ConfigMap, Namespace, Secret, Service } from "kubernetes-types/core/v1.d.ts";
import type { IngressClass, NetworkPolicy } from "kubernetes-types/networking/v1.d.ts";
import { sha256, stableJson } from "#base/hash.ts";
import type { Plan, SitePlan } from "#plan/plan.ts";
import { emitYaml } from "../formats/data.ts";
import { ingressAddress } from "../router/forwards.ts";
import { traefikArguments } from "./arguments.ts";
import { deployment, disruptionBudget } from "./deployment.ts";
import { dynamicConfig } from "./dynamic.ts";
import {
  CERTIFICATE_SECRET,
  DYNAMIC_CONFIG,
  type Ground,
  INGRESS_CLASS,
  LABELS,
  type Manifest,
  NAMESPACE,
  PANELS_SECRET,
  type Plugin,
  PLUGINS,
  POD,
  pluginConfig,
  pluginModule,
  SELECTOR,
  TRAEFIK,
} from "./names.ts";
import { retryPolicy } from "./retry.ts";
import { rights } from "./rights.ts";

export interface TraefikInput {
  readonly plan: Plan;
  readonly site: SitePlan;
  readonly image: string;
  /** PEM: of the domain and of this site. The key is a secret. */
  readonly certificate: { readonly certificate: string; readonly key: string };
  /** Who may see panels, as lines of htpasswd(1). A secret. */
  readonly panelUsers: string;
  /** The text of each file in `plugins`. */
  readonly plugins: Readonly<Record<Plugin, string>>;
  /** Where it listens, in a pod where none is given. */
  readonly ground?: Ground;
}

/** Every object, the namespace first. */
export function traefikObjects(input: TraefikInput): readonly [Namespace, ...Manifest[]] {
  const { plan, site, image, plugins, ground = POD } = input;
  const settings = sha256(stableJson([plugins, traefikArguments(site, POD)], 0)).slice(0, 16);
  const rest: readonly object[] = [
    ...rights(),
    ...retryPolicy(),
    ingressClass(),
    certificate(input),
    panelUsers(input),
    configMap(DYNAMIC_CONFIG, { "front.yaml": dynamicText(plan, site) }),
    ...PLUGINS.map((plugin) => configMap(pluginConfig(plugin), pluginFiles(plugin, plugins[plugin]))),
    tlsStore(),
    ...gateway(ground),
    networkPolicy(),
    disruptionBudget(),
    service(site),
    deployment(site, image, settings),
  ];
  return [namespace(), ...(rest as readonly Manifest[])];
}

/** Files of a plugin's folder. */
export function pluginFiles(plugin: Plugin, source: string): Readonly<Record<string, string>> {
  const manifest = {
    displayName: plugin,
    type: "middleware",
    import: pluginModule(plugin),
    summary: `Panopticon's ${plugin}.`,
    testData: { from: "site1.home.example", to: "home.example" },
  };
  return { ".traefik.yml": emitYaml([manifest]), [`${plugin}.go`]: source };
}

/** Traefik's file takes Go templates: nothing in it may begin one. */
function dynamicText(plan: Plan, site: SitePlan): string {
  return emitYaml([dynamicConfig(plan, site, POD)]);
}

function namespace(): Namespace {
  const enforce = Object.fromEntries(
    ["enforce", "warn"].map((mode) => [`pod-security.kubernetes.io/${mode}`, "restricted"]),
  );
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: NAMESPACE, labels: { ...LABELS, ...enforce } },
  };
}

/** The default: a route that names no class is ours. */
function ingressClass(): IngressClass {
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "IngressClass",
    metadata: {
      name: INGRESS_CLASS,
      labels: LABELS,
      annotations: { "ingressclass.kubernetes.io/is-default-class": "true" },
    },
    spec: { controller: "traefik.io/ingress-controller" },
  };
}

function certificate({ certificate: pair }: TraefikInput): Secret {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: CERTIFICATE_SECRET, namespace: NAMESPACE, labels: LABELS },
    type: "kubernetes.io/tls",
    data: { "tls.crt": base64(pair.certificate), "tls.key": base64(pair.key) },
  };
}

function panelUsers(input: TraefikInput): Secret {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: PANELS_SECRET, namespace: NAMESPACE, labels: LABELS },
    type: "Opaque",
    data: { [POD.users.slice(POD.users.lastIndexOf("/") + 1)]: base64(input.panelUsers) },
  };
}

function configMap(name: string, data: Readonly<Record<string, string>>): ConfigMap {
  return {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: NAMESPACE, labels: LABELS },
    data,
  };
}

/** The certificate for every name that no route has another for. */
function tlsStore(): Manifest {
  return ours("traefik.io/v1alpha1", "TLSStore", "default", {
    spec: { defaultCertificate: { secretName: CERTIFICATE_SECRET } },
  });
}

/** Routes of the Gateway API attach to the Gateway `traefik` in this namespace, from every other. */
function gateway({ ports }: Ground): readonly Manifest[] {
  const api = "gateway.networking.k8s.io/v1";
  const listener = (name: "web" | "websecure", protocol: string) => ({
    name,
    port: ports[name],
    protocol,
    allowedRoutes: { namespaces: { from: "All" } },
  });
  const tls = { mode: "Terminate", certificateRefs: [{ name: CERTIFICATE_SECRET }] };
  const kind: Manifest = {
    apiVersion: api,
    kind: "GatewayClass",
    metadata: { name: TRAEFIK, labels: LABELS },
    spec: { controllerName: "traefik.io/gateway-controller" },
  };
  return [
    kind,
    ours(api, "Gateway", TRAEFIK, {
      spec: {
        gatewayClassName: TRAEFIK,
        listeners: [listener("web", "HTTP"), { ...listener("websecure", "HTTPS"), tls }],
      },
    }),
  ];
}

/** `Local` keeps the client's address, and only machines that run Traefik announce the site's. */
function service(site: SitePlan): Service {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: TRAEFIK,
      namespace: NAMESPACE,
      labels: LABELS,
      annotations: { "metallb.io/loadBalancerIPs": ingressAddress(site) },
    },
    spec: {
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      allocateLoadBalancerNodePorts: false,
      selector: { ...SELECTOR },
      ports: (["web", "websecure"] as const).map((name) => ({
        name,
        port: POD.ports[name],
        targetPort: name,
        protocol: "TCP",
      })),
    },
  };
}

/** Open to everybody at the two doors; metrics to pods of this namespace. It may reach every service. */
function networkPolicy(): NetworkPolicy {
  const ports = (names: readonly (keyof typeof POD.ports)[]) =>
    names.map((name) => ({ protocol: "TCP", port: POD.ports[name] }));
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: { name: TRAEFIK, namespace: NAMESPACE, labels: LABELS },
    spec: {
      podSelector: { matchLabels: SELECTOR },
      policyTypes: ["Ingress", "Egress"],
      ingress: [
        { ports: ports(["web", "websecure"]) },
        { from: [{ podSelector: {} }], ports: ports(["metrics"]) },
      ],
      egress: [{}],
    },
  };
}

function ours(apiVersion: string, kind: string, name: string, fields: object): Manifest {
  return { apiVersion, kind, metadata: { name, namespace: NAMESPACE, labels: LABELS }, ...fields };
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
