/** How a service is reached, and what it reaches: everything else is closed. */
import type { Destination, Service, ServicePort } from "#model/service/service.ts";
import { labelsOf, type Manifest, manifest, selectorOf } from "./manifest.ts";

/** How the sites' ingress controller is known there. */
export interface IngressController {
  readonly namespace: string;
  readonly className: string;
  /** The Gateway that routes attach to, in its namespace, and its listener for HTTPS. */
  readonly gateway: { readonly name: string; readonly listener: string };
  /** Has a connect that one pod does not answer tried at another one. */
  readonly retryLabel: string;
}

const NAMESPACE_LABEL = "kubernetes.io/metadata.name";
/** What the internet is not. */
const PRIVATE_NETWORKS = ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"];

/** Inside the cluster it is at the ports the container listens on. */
export function clusterService(service: Service): Manifest {
  const ports = service.ports.map(({ name, port, protocol }) => ({ name, port, targetPort: name, protocol }));
  return manifest(service, "v1", "Service", {
    spec: { type: "ClusterIP", selector: selectorOf(service), ports },
  });
}

/** TLS and the per-site names are the ingress controller's own: no service has a word of it. */
export function ingress(service: Service, { className, retryLabel }: IngressController): Manifest {
  const port = entrance(service);
  const backend = { service: { name: service.name, port: { name: port?.name } } };
  const spec = {
    ingressClassName: className,
    rules: service.hosts.map((host) => ({
      host,
      http: { paths: [{ path: "/", pathType: "Prefix", backend }] },
    })),
  };
  const labels = { ...labelsOf(service), ...(speaksTls(port) ? {} : { [retryLabel]: "true" }) };
  return manifest(service, "networking.k8s.io/v1", "Ingress", { spec }, labels);
}

/** By these Traefik knows it, and then speaks HTTP/2 with it, where it must not try again. */
function speaksTls(port: ServicePort | undefined): boolean {
  return port !== undefined && (port.port === 443 || port.name.startsWith("https"));
}

/**
 * Its panels, each at `control.<domain>/<service><path>`, where the ingress
 * controller asks for a credential. The service is asked for its own paths, which
 * an Ingress can say by annotations alone, and those do not travel.
 */
export function panelRoute(service: Service, { namespace, gateway }: IngressController): Manifest {
  const { name, panels, ports, domain } = service;
  const rules = panels.map(({ path, port }) => {
    const own = path.split("?")[0] ?? "/";
    const rewrite = { type: "ReplacePrefixMatch", replacePrefixMatch: own };
    const prefix = { name: "X-Forwarded-Prefix", value: `/${name}` };
    return {
      matches: [{ path: { type: "PathPrefix", value: `/${name}${own}`.replace(/\/$/, "") } }],
      filters: [
        { type: "URLRewrite", urlRewrite: { path: rewrite } },
        { type: "RequestHeaderModifier", requestHeaderModifier: { set: [prefix] } },
      ],
      backendRefs: [{ name, port: ports.find((one) => one.name === port)?.port }],
    };
  });
  const object = manifest(service, "gateway.networking.k8s.io/v1", "HTTPRoute", {
    spec: {
      parentRefs: [{ name: gateway.name, namespace, sectionName: gateway.listener }],
      hostnames: [`control.${domain}`],
      rules,
    },
  });
  return { ...object, metadata: { ...object.metadata, name: `${name}-panels` } };
}

/** The port that host names lead to. */
function entrance({ ports }: Service): ServicePort | undefined {
  return ports.find(({ protocol }) => protocol === "TCP");
}

export function networkPolicy(service: Service, controller: IngressController): Manifest {
  return manifest(service, "networking.k8s.io/v1", "NetworkPolicy", {
    spec: {
      podSelector: { matchLabels: selectorOf(service) },
      policyTypes: ["Ingress", "Egress"],
      ingress: allowedIn(service, controller),
      egress: allowedOut(service),
    },
  });
}

function allowedIn(service: Service, { namespace }: IngressController): readonly unknown[] {
  const ports = service.ports.map(portOf);
  if (ports.length === 0) return [];
  const others = service.access.from.map(inNamespace);
  const outer = [
    ...(service.hosts.length > 0 ? [entrance(service)] : []),
    ...service.panels.map((panel) => service.ports.find(({ name }) => name === panel.port)),
  ].filter((port) => port !== undefined);
  return [
    { from: [{ podSelector: {} }, ...others], ports },
    ...(outer.length > 0 ? [{ from: [inNamespace(namespace)], ports: [...new Set(outer)].map(portOf) }] : []),
  ];
}

function allowedOut({ access }: Service): readonly unknown[] {
  const names = {
    to: [{ ...inNamespace("kube-system"), podSelector: { matchLabels: { "k8s-app": "kube-dns" } } }],
    ports: [
      { port: 53, protocol: "UDP" },
      { port: 53, protocol: "TCP" },
    ],
  };
  return [names, { to: [{ podSelector: {} }, ...access.to.map(peerOf)] }];
}

function portOf({ port, protocol }: ServicePort): object {
  return { port, protocol };
}

function inNamespace(name: string): { readonly namespaceSelector: object } {
  return { namespaceSelector: { matchLabels: { [NAMESPACE_LABEL]: name } } };
}

function peerOf(destination: Destination): object {
  switch (destination.kind) {
    case "internet":
      return { ipBlock: { cidr: "0.0.0.0/0", except: PRIVATE_NETWORKS } };
    case "network":
      return { ipBlock: { cidr: destination.cidr } };
    case "namespace":
      return inNamespace(destination.name);
  }
}
