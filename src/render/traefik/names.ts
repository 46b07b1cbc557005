/** How a site's ingress controller is known there, and where it listens and reads. */

export const TRAEFIK = "traefik";
export const NAMESPACE = "traefik";
export const INGRESS_CLASS = "traefik";
/** The Secret with the certificate of the domain and of this site. */
export const CERTIFICATE_SECRET = "edge-certificate";
/** The Secret with who may see panels. */
export const PANELS_SECRET = "panels-credential";
export const DYNAMIC_CONFIG = "traefik-dynamic";
/** What asks another pod where one does not take the connection; not for backends that speak HTTP/2. */
export const RETRY_MIDDLEWARE = "retry@file";
/** An Ingress that says "true" by it gets that middleware. */
export const RETRY_LABEL = "panopticon.dev/retry";

/** Each is one file of Go in `plugins`, which Traefik's interpreter runs. */
export const PLUGINS = ["sitename", "panelindex"] as const;
export type Plugin = (typeof PLUGINS)[number];

/** The module's folder below `plugins-local/src` of the folder that Traefik runs in. */
export function pluginModule(plugin: Plugin): string {
  return `panopticon.dev/${plugin}`;
}

/** Its ConfigMap. */
export function pluginConfig(plugin: Plugin): string {
  return `traefik-plugin-${plugin}`;
}

export const SELECTOR: Readonly<Record<string, string>> = { "app.kubernetes.io/name": TRAEFIK };
export const LABELS: Readonly<Record<string, string>> = {
  ...SELECTOR,
  "app.kubernetes.io/managed-by": "panopticon",
};

/** What differs between a pod and a process beside others on one machine. */
export interface Ground {
  /** Empty for every address. */
  readonly listen: string;
  readonly ports: Readonly<Record<EntryPoint, number>>;
  /** Folder of the dynamic configuration. */
  readonly dynamic: string;
  /** File of who may see panels. */
  readonly users: string;
}

export type EntryPoint = "web" | "websecure" | "metrics" | "ping";

/** In a pod. Listeners of a Gateway must have the ports of the entry points, and everybody writes 80 and 443. */
export const POD: Ground = {
  listen: "",
  ports: { web: 80, websecure: 443, metrics: 9100, ping: 8082 },
  dynamic: "/etc/traefik/dynamic",
  users: "/etc/traefik/panels/users",
};

/** An object of ours as the API takes it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}
