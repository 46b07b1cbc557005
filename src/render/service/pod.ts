/** The pods of a service: one container, as little trusted as its file allows. */
import type { Health, Service } from "#model/service/service.ts";
import { selectorOf, versionedLabels } from "./manifest.ts";

/** Long enough that whoever sends requests has heard that the pod goes. */
const LEAVE_SECONDS = 5;
/** A group that may write to the volumes, where the file names no user. */
const VOLUME_GROUP = 65_532;

/** A pod template, for a Deployment and a StatefulSet alike. */
export function podTemplate(service: Service): Readonly<Record<string, unknown>> {
  const { security, volumes, name, pullSecret } = service;
  const { user, runAsRoot } = security;
  return {
    metadata: { labels: versionedLabels(service) },
    spec: {
      serviceAccountName: name,
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      ...(pullSecret !== undefined && { imagePullSecrets: [{ name: pullSecret }] }),
      securityContext: {
        runAsNonRoot: !runAsRoot,
        ...(user !== undefined && { runAsUser: user, runAsGroup: user }),
        ...(volumes.length > 0 && {
          fsGroup: user || VOLUME_GROUP,
          fsGroupChangePolicy: "OnRootMismatch",
        }),
        seccompProfile: { type: "RuntimeDefault" },
      },
      topologySpreadConstraints: ["topology.kubernetes.io/zone", "kubernetes.io/hostname"].map(
        (topologyKey) => ({
          maxSkew: 1,
          topologyKey,
          whenUnsatisfiable: "ScheduleAnyway",
          labelSelector: { matchLabels: selectorOf(service) },
        }),
      ),
      containers: [container(service)],
      volumes: scratchOf(service).map((_, index) => ({ name: `scratch-${index}`, emptyDir: {} })),
    },
  };
}

function container(service: Service): Readonly<Record<string, unknown>> {
  const { name, image, command, ports, resources, volumes, security } = service;
  const amounts = { cpu: cpuText(resources.milliCpus), memory: `${resources.memoryMiB}Mi` };
  const { capabilities } = security;
  return {
    name,
    image,
    ...(command && { command: command.map(literal) }),
    ...(service.arguments && { args: service.arguments.map(literal) }),
    ...(ports.length > 0 && {
      ports: ports.map(({ name: portName, port, protocol }) => ({
        name: portName,
        containerPort: port,
        protocol,
      })),
      lifecycle: { preStop: { sleep: { seconds: LEAVE_SECONDS } } },
    }),
    ...environmentOf(service),
    resources: {
      requests: amounts,
      ...(resources.memoryLimited && { limits: { memory: amounts.memory } }),
    },
    ...probes(service),
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: !security.writableRoot,
      capabilities: { drop: ["ALL"], ...(capabilities.length > 0 && { add: capabilities }) },
    },
    volumeMounts: [
      ...volumes.map(({ name: volume, path }) => ({ name: volume, mountPath: path })),
      ...scratchOf(service).map((path, index) => ({ name: `scratch-${index}`, mountPath: path })),
    ],
  };
}

/** /tmp first, unless the file puts something else there. */
function scratchOf({ scratch, volumes }: Service): readonly string[] {
  const taken = [...scratch, ...volumes.map(({ path }) => path)].includes("/tmp");
  return taken ? scratch : ["/tmp", ...scratch];
}

function environmentOf({ environment, secrets }: Service): Readonly<Record<string, unknown>> {
  const plain = Object.entries(environment).map(([name, value]) => ({ name, value: literal(value) }));
  const kept = Object.entries(secrets).map(([name, { secret, key }]) => ({
    name,
    valueFrom: { secretKeyRef: { name: secret, key } },
  }));
  const env = [...plain, ...kept].sort((left, right) => (left.name < right.name ? -1 : 1));
  return env.length > 0 ? { env } : {};
}

/** Kubernetes would put a variable's value in place of `$(NAME)`; here a text means itself. */
function literal(text: string): string {
  return text.replaceAll("$(", "$$$$(");
}

/**
 * A start is waited for; then it is asked whether it is ready. It is started
 * anew only where the file says how to tell that it is well: that a port is
 * open for a moment longer or shorter is no reason to.
 */
function probes({ health, ports }: Service): Readonly<Record<string, unknown>> {
  const ask = question(health, ports.find(({ protocol }) => protocol === "TCP")?.name);
  if (!ask) return {};
  const chosen = health.path !== undefined || health.command !== undefined;
  const startups = Math.ceil(health.startSeconds / 2);
  return {
    startupProbe: { ...ask, periodSeconds: 2, timeoutSeconds: 3, failureThreshold: startups },
    readinessProbe: { ...ask, periodSeconds: 5, timeoutSeconds: 3, failureThreshold: 3 },
    ...(chosen && { livenessProbe: { ...ask, periodSeconds: 10, timeoutSeconds: 3, failureThreshold: 6 } }),
  };
}

function question(
  { path, command }: Health,
  port: string | undefined,
): Readonly<Record<string, unknown>> | undefined {
  if (command) return { exec: { command } };
  if (port === undefined) return undefined;
  return path === undefined ? { tcpSocket: { port } } : { httpGet: { path, port } };
}

/** As the API writes it: `100m`, `2`. */
function cpuText(milli: number): string {
  return milli % 1000 === 0 ? `${milli / 1000}` : `${milli}m`;
}
