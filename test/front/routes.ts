/** One service with a route of each kind that leads to it; none of them has a word of any site. */
import { applyAll } from "#converge/objects.ts";
import { parseService } from "#model/service/parse.ts";
import type { Applied, Kube, KubeObject } from "#ports/kube.ts";
import { serviceObjects } from "#render/service/objects.ts";
import { RETRY_MIDDLEWARE } from "#render/traefik/names.ts";
import type { Backend } from "./backend.ts";

/** The first one's route is what `service deploy` makes of a service file. */
export const KINDS = ["ingress", "route", "gateway"] as const;
const SHOP = "shop";
const PORT = 8080;
/** A group (RFC 2365): a connect to it fails at once, and nothing is sent for it. */
const NOBODY = "239.255.0.1";

/** Hosts are the kinds' names: `ingress.home.test` and so on. */
export async function applyRoutes(kube: Kube, domain: string, { address, port }: Backend): Promise<void> {
  const file = [
    "kind: Service",
    "apiVersion: panopticon/v1",
    `name: ${SHOP}`,
    "image: registry.example/shop:1",
    `port: ${PORT}`,
    `host: ingress.${domain}`,
    "panels: [{ name: orders, path: /admin }]",
  ];
  const { objects } = serviceObjects(parseService(file.join("\n"), "shop.yaml").service);
  const [namespace, ...rest] = objects as readonly Applied<KubeObject>[];
  if (namespace) await applyAll(kube, [namespace]);
  await applyAll(kube, [...rest, ...otherRoutes(domain), endpoints(SHOP, address, port)]);
}

function otherRoutes(domain: string): readonly Applied<KubeObject>[] {
  const service = { name: SHOP, port: PORT };
  const backend = { service: { name: SHOP, port: { number: PORT } } };
  return [
    // A panel's route as who installs an add-on may write it, with no thought of a guard.
    inShop("networking.k8s.io/v1", "Ingress", "unguarded", {
      spec: {
        ingressClassName: "traefik",
        rules: [
          { host: `control.${domain}`, http: { paths: [{ path: "/open", pathType: "Prefix", backend }] } },
        ],
      },
    }),
    inShop("traefik.io/v1alpha1", "IngressRoute", "route", {
      spec: {
        entryPoints: ["websecure"],
        routes: [
          {
            kind: "Rule",
            match: `Host(\`route.${domain}\`)`,
            middlewares: [{ name: RETRY_MIDDLEWARE }],
            services: [service],
          },
        ],
      },
    }),
    inShop("gateway.networking.k8s.io/v1", "HTTPRoute", "gateway", {
      spec: {
        parentRefs: [{ name: "traefik", namespace: "traefik" }],
        hostnames: [`gateway.${domain}`],
        rules: [{ backendRefs: [service] }],
      },
    }),
  ];
}

/** Routes that by their name at the site come to the limits that docs/front.md tells of: `limited.home.test`, `strict.home.test`. */
export async function applyLimits(kube: Kube, domain: string, client: string): Promise<void> {
  const api = "traefik.io/v1alpha1";
  const route = (name: string, more: object, spec: object): Applied<KubeObject> =>
    inShop(api, "IngressRoute", name, {
      spec: {
        entryPoints: ["websecure"],
        routes: [
          {
            kind: "Rule",
            match: `Host(\`${name}.${domain}\`)`,
            services: [{ name: SHOP, port: PORT }],
            ...more,
          },
        ],
        ...spec,
      },
    });
  await applyAll(kube, [
    inShop(api, "Middleware", "limited", { spec: { ipAllowList: { sourceRange: [`${client}/32`] } } }),
    inShop(api, "TLSOption", "strict", { spec: { minVersion: "VersionTLS13" } }),
    route("limited", { middlewares: [{ name: "limited" }] }, {}),
    route("strict", {}, { tls: { options: { name: "strict" } } }),
  ]);
}

/** A service with one pod that answers and one that is dead, at `NAME.DOMAIN`; `labels` are its Ingress's. */
export function halfDead(
  name: string,
  domain: string,
  { address, port }: Backend,
  labels: Readonly<Record<string, string>>,
): { readonly ingress: Applied<KubeObject>; readonly others: readonly Applied<KubeObject>[] } {
  const backend = { service: { name, port: { number: PORT } } };
  const ingress = inShop("networking.k8s.io/v1", "Ingress", name, {
    spec: {
      ingressClassName: "traefik",
      rules: [{ host: `${name}.${domain}`, http: { paths: [{ path: "/", pathType: "Prefix", backend }] } }],
    },
  });
  const service = inShop("v1", "Service", name, { spec: { ports: [{ name: "http", port: PORT }] } });
  return {
    ingress: { ...ingress, metadata: { ...ingress.metadata, labels } },
    others: [service, endpoints(name, address, port), endpoints(name, NOBODY, port, `${name}-dead`)],
  };
}

/** What a kubelet and the endpoints' controller would say of a pod that is ready. */
function endpoints(service: string, address: string, port: number, name = service): Applied<KubeObject> {
  const slice = inShop("discovery.k8s.io/v1", "EndpointSlice", name, {
    addressType: "IPv4",
    endpoints: [{ addresses: [address], conditions: { ready: true } }],
    ports: [{ name: "http", port, protocol: "TCP" }],
  });
  return { ...slice, metadata: { ...slice.metadata, labels: { "kubernetes.io/service-name": service } } };
}

function inShop(apiVersion: string, kind: string, name: string, fields: object): Applied<KubeObject> {
  return { apiVersion, kind, metadata: { name, namespace: SHOP }, ...fields };
}
