/** A service, once its file is read and checked: every default filled in, every text that means a number turned into one. */

export interface Service {
  readonly name: string;
  /** The namespace it lives in at every site; its own name unless the file says otherwise. */
  readonly namespace: string;
  readonly image: string;
  /** Name of the Secret that the registry asks for. */
  readonly pullSecret?: string;
  /** In place of the image's own. */
  readonly command?: readonly string[];
  readonly arguments?: readonly string[];
  /** The first TCP one is what host names reach. */
  readonly ports: readonly ServicePort[];
  /** Whole names, such as `shop.home.example`. */
  readonly hosts: readonly string[];
  /** What the sites answer for, such as `home.example`; known where there are panels. */
  readonly domain?: string;
  readonly replicas: Replicas;
  readonly resources: {
    /** Thousandths of a CPU that are set aside. */
    readonly milliCpus: number;
    readonly memoryMiB: number;
    /** Whether the memory is also the most it may take: it is where the file names it. */
    readonly memoryLimited: boolean;
  };
  readonly volumes: readonly Volume[];
  /** Paths that may be written and are empty after each start. */
  readonly scratch: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** By variable: the key of a Secret in the service's namespace. */
  readonly secrets: Readonly<Record<string, SecretKey>>;
  readonly health: Health;
  readonly placement: ServicePlacement;
  readonly panels: readonly Panel[];
  readonly access: {
    /** Other namespaces whose pods may connect. */
    readonly from: readonly string[];
    readonly to: readonly Destination[];
  };
  readonly security: Security;
}

export interface ServicePort {
  readonly name: string;
  readonly port: number;
  readonly protocol: "TCP" | "UDP";
}

export type Replicas =
  | { readonly kind: "per-site"; readonly count: number }
  | { readonly kind: "total"; readonly count: number };

/** Each replica at each site has one of its own. */
export interface Volume {
  readonly name: string;
  readonly path: string;
  readonly sizeGiB: number;
  /** Storage class; the cluster's default where none is given. */
  readonly class?: string;
}

export interface SecretKey {
  readonly secret: string;
  readonly key: string;
}

export interface Health {
  /** Asked by HTTP at the first TCP port; without it and a command, a connection is enough. */
  readonly path?: string;
  readonly command?: readonly string[];
  /** How long it may take to start. */
  readonly startSeconds: number;
}

export type ServicePlacement =
  | { readonly kind: "everywhere" }
  | { readonly kind: "sites"; readonly sites: readonly string[] }
  | { readonly kind: "labels"; readonly labels: Readonly<Record<string, string>> };

/** At `control.<domain>/<service><path>`. */
export interface Panel {
  readonly name: string;
  /** As the service itself knows it. */
  readonly path: string;
  /** A port's name. */
  readonly port: string;
}

export type Destination =
  | { readonly kind: "internet" }
  | { readonly kind: "namespace"; readonly name: string }
  | { readonly kind: "network"; readonly cidr: string };

/** Each point is strict unless the file relaxes it. */
export interface Security {
  /** The image's own where none is given. */
  readonly user?: number;
  readonly runAsRoot: boolean;
  readonly writableRoot: boolean;
  readonly capabilities: readonly string[];
}
