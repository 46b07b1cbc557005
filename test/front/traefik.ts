/**
 * The real Traefik on this machine, with the arguments, the file and the plugin
 * that `src/render/traefik` writes for a site, against a plane that has its
 * objects: only ports and paths are other ones, and no kubelet starts it.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { applyAll } from "#converge/objects.ts";
import { ensureEdgeCertificate, ensurePanelCredential, type PanelCredential } from "#converge/pki/edge.ts";
import { kubeconfig } from "#converge/pki/kubeconfig.ts";
import type { KeyedCertificate } from "#converge/pki/x509.ts";
import type { Applied, KubeObject } from "#ports/kube.ts";
import { pluginSources } from "#converge/front.ts";
import { fixturePlan } from "#render/fixture.ts";
import { emitYaml } from "#render/formats/data.ts";
import { traefikArguments } from "#render/traefik/arguments.ts";
import { dynamicConfig } from "#render/traefik/dynamic.ts";
import { type Ground, NAMESPACE, PLUGINS, pluginModule, TRAEFIK } from "#render/traefik/names.ts";
import { pluginFiles, traefikObjects } from "#render/traefik/objects.ts";
import type { Plane } from "../kube/plane.ts";
import { freePorts } from "../kube/ports.ts";
import { planeProcess, type PlaneProcess } from "../kube/process.ts";

const { plan: PLAN, site: SITE } = fixturePlan();

export interface Door {
  readonly process: PlaneProcess;
  readonly ports: Ground["ports"];
  /** PEM of the authority that a client has to trust. */
  readonly authority: string;
  readonly credential: PanelCredential;
}

export interface DoorOptions {
  readonly program: string;
  /** In place of the one that rewrites names. */
  readonly sitename?: string;
}

/** Applies the custom resource definitions in the folder's YAML files, and waits until the API serves them. */
export async function applyDefinitions(plane: Plane, folder: string): Promise<void> {
  const kube = plane.open();
  const texts = readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => readFileSync(join(folder, file), "utf8"));
  const objects = texts.flatMap((text) =>
    parseAllDocuments(text).map((document) => document.toJS() as Applied<KubeObject>),
  );
  const definitions = objects.filter((object) => object?.kind === "CustomResourceDefinition");
  await applyAll(kube, definitions);
  const wanted = ["ingressroutes", "tlsstores", "httproutes", "gatewayclasses"];
  for (let tries = 0; tries < 100; tries++) {
    const known = new Set((await kube.discover()).kinds.map(({ plural }) => plural));
    if (wanted.every((plural) => known.has(plural))) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the API does not serve ${wanted.join(", ")}`);
}

/** Applies the site's objects and starts its Traefik below `plane.dir`/`name`. */
export async function openDoor(plane: Plane, name: string, options: DoorOptions): Promise<Door> {
  const dir = join(plane.dir, name);
  const ours = await pluginSources();
  const plugins = { ...ours, sitename: options.sitename ?? ours.sitename };
  const credential = await ensurePanelCredential(join(plane.dir, "edge"));
  const certificate = await ensureEdgeCertificate(join(plane.dir, "edge"), PLAN.domain, SITE, new Date());
  const [web = 0, websecure = 0, metrics = 0, ping = 0] = await freePorts(4);
  const users = join(dir, "users");
  const ground: Ground = {
    listen: "",
    ports: { web, websecure, metrics, ping },
    dynamic: join(dir, "dynamic"),
    users,
  };
  const [namespace, ...objects] = traefikObjects({
    plan: PLAN,
    site: SITE,
    image: "traefik:1",
    certificate,
    panelUsers: credential.line,
    plugins,
    ground,
  });
  const kube = plane.open();
  const applied = (object: object) => object as Applied<KubeObject>;
  await applyAll(kube, [applied(namespace)]);
  await applyAll(kube, objects.map(applied));
  put(users, credential.line);
  put(join(ground.dynamic, "front.yaml"), emitYaml([dynamicConfig(PLAN, SITE, ground)]));
  for (const plugin of PLUGINS)
    for (const [file, text] of Object.entries(pluginFiles(plugin, plugins[plugin])))
      put(join(dir, "plugins-local/src", pluginModule(plugin), file), text);
  const process = planeProcess({
    name,
    argv: [options.program, ...traefikArguments(SITE, ground), "--log.level=DEBUG"],
    cwd: dir,
    env: { KUBECONFIG: await accountFile(plane, dir) },
    log: join(dir, "log"),
    seconds: 60,
    ready: () => answers(`http://127.0.0.1:${ping}/ping`),
  });
  await process.start();
  const authority = readFileSync(join(plane.dir, "edge", "ca.crt"), "utf8");
  return { process, ports: ground.ports, authority, credential };
}

/** With the rights of Traefik's own account, and no more. */
async function accountFile(plane: Plane, dir: string): Promise<string> {
  const {
    server,
    authority = "",
    client,
  } = await plane.user(`system:serviceaccount:${NAMESPACE}:${TRAEFIK}`, [
    "system:serviceaccounts",
    `system:serviceaccounts:${NAMESPACE}`,
    "system:authenticated",
  ]);
  const names = { cluster: "plane", user: TRAEFIK, context: TRAEFIK };
  const content = { server, authority, client: client as KeyedCertificate, ...names };
  const file = join(dir, "kubeconfig");
  put(file, kubeconfig([content], TRAEFIK));
  return file;
}

function put(file: string, text: string): void {
  mkdirSync(join(file, ".."), { recursive: true });
  writeFileSync(file, text, { mode: 0o600 });
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false;
  }
}
