/**
 * Folders that kubectl or Helm make objects of: the person's own programs do
 * it, so that a folder means here what it means to them.
 */
import { readdir } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { PanopticonError, wrongUse } from "#base/errors.ts";
import { runProcess } from "#base/process.ts";

export interface FolderOptions {
  /** Of a chart's objects that name none. */
  readonly namespace: string;
  /** Values files for a chart, the later going before the earlier. */
  readonly values?: readonly string[];
}

interface Tool {
  /** Files by which a folder is known as one of its. */
  readonly marks: readonly string[];
  readonly program: string;
  readonly arguments: (folder: string, options: FolderOptions) => readonly string[];
  readonly install: string;
}

const TOOLS: readonly Tool[] = [
  {
    marks: ["kustomization.yaml", "kustomization.yml", "Kustomization"],
    program: "kubectl",
    arguments: (folder) => ["kustomize", folder],
    install:
      "Install kubectl (https://kubernetes.io/docs/tasks/tools), or render it elsewhere and name the file.",
  },
  {
    marks: ["Chart.yaml"],
    program: "helm",
    arguments: (folder, { namespace, values = [] }) => [
      "template",
      releaseOf(folder),
      folder,
      "--namespace",
      namespace,
      "--include-crds",
      "--no-hooks",
      ...values.flatMap((file) => ["--values", file]),
    ],
    install: "Install Helm (https://helm.sh/docs/intro/install), or render it elsewhere and name the file.",
  },
];

/**
 * What a kustomization's or a chart's folder becomes, as YAML; undefined where
 * it is neither, or no folder. Errors: FEDERATION_TOOL_MISSING,
 * FEDERATION_FOLDER (exit 1) with the program's own words.
 */
export async function renderFolder(folder: string, options: FolderOptions): Promise<string | undefined> {
  const names = await readdir(folder).catch((): readonly string[] => []);
  const tool = TOOLS.find(({ marks }) => marks.some((mark) => names.includes(mark)));
  if (!tool) return undefined;
  // An absolute path is never taken for an option.
  const argv = [tool.program, ...tool.arguments(resolve(folder), options)];
  const { code, stdout, stderr } = await runProcess(argv);
  if (code === 0) return stdout;
  if (code === 127 && stdout === "")
    throw wrongUse(
      "FEDERATION_TOOL_MISSING",
      `${folder} needs ${tool.program}, which is not on the PATH`,
      tool.install,
    );
  const said = stderr.trim().split("\n").slice(-5).join(" ").slice(0, 1000) || `it ended with ${code}`;
  const message = `${tool.program} makes nothing of ${folder}: ${said}`;
  const hint = `Try it by itself: ${argv.join(" ")}`;
  throw new PanopticonError([{ code: "FEDERATION_FOLDER", message, hint }], 1);
}

/** A release's name: the folder's, as far as Helm takes it. */
function releaseOf(folder: string): string {
  const name = basename(folder)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^-+|-+$/g, "")
    .slice(0, 53)
    .replace(/-+$/, "");
  return name || "release";
}
