/**
 * Checks the rules between the rooms twice: that our code keeps every one, and
 * that each one bites, on a tree (test/planted) in which every rule is broken.
 * A checker that read nothing would find nothing wrong, so what was read is
 * compared with what is on disk.
 */
import { spawnSync } from "node:child_process";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cruise, type ICruiseOptions, type ICruiseResult } from "dependency-cruiser";
import extractTSConfig from "dependency-cruiser/config-utl/extract-ts-config";

const ROOT = join(import.meta.dirname, "..");
const PLANTED = join(ROOT, "test/planted");
const SOURCES = "{src,components}/**/*.ts";

interface Rules {
  readonly forbidden: readonly { readonly name: string; readonly comment?: string }[];
  readonly options: ICruiseOptions;
}

const rules = JSON.parse(readFileSync(join(ROOT, ".dependency-cruiser.json"), "utf8")) as Rules;

/** Reads every module below `baseDir` and judges it by our rules. */
async function cruiseTree(baseDir: string): Promise<ICruiseResult> {
  const { enhancedResolveOptions, ...options } = rules.options;
  const result = await cruise(
    ["src", "components"],
    { ...options, baseDir, validate: true, ruleSet: { forbidden: [...rules.forbidden] } as never },
    { ...enhancedResolveOptions },
    { tsConfig: extractTSConfig(join(ROOT, "tsconfig.json")) },
  );
  return result.output as ICruiseResult;
}

/** What our own code breaks, and what was overlooked. */
async function checkOwnCode(): Promise<readonly string[]> {
  const found = await cruiseTree(ROOT);
  const seen = new Set(found.modules.map((module) => module.source));
  const overlooked = globSync(SOURCES, { cwd: ROOT }).filter((file) => !seen.has(file));
  const between = found.modules
    .flatMap((module) => module.dependencies)
    .filter((to) => to.module.startsWith("#"));
  const comments = rules.forbidden.filter((rule) => !rule.comment);
  console.log(
    `${seen.size} modules, ${between.length} imports between rooms, ${rules.forbidden.length} rules`,
  );
  return [
    ...found.summary.violations.map(
      ({ from, to, rule }) => `${from} → ${to}: ${rule.name}: ${reasonOf(rule.name)}`,
    ),
    ...overlooked.map((file) => `${file} was not read by dependency-cruiser`),
    ...(between.length === 0 ? ["no import between rooms was seen: the resolver is not working"] : []),
    ...comments.map((rule) => `the rule ${rule.name} gives no reason`),
  ];
}

function reasonOf(name: string): string {
  return rules.forbidden.find((rule) => rule.name === name)?.comment ?? "";
}

/** Rules that the planted tree does not show to bite. */
async function checkPlanted(): Promise<readonly string[]> {
  const tree = mkdtempSync(join(tmpdir(), "panopticon-rooms-"));
  try {
    cpSync(PLANTED, tree, { recursive: true });
    for (const name of ["tsconfig.json", ".oxlintrc.json"]) cpSync(join(ROOT, name), join(tree, name));
    symlinkSync(join(ROOT, "node_modules"), join(tree, "node_modules"));
    const bitten = [...brokenRules(await cruiseTree(tree)), ...brokenLint(tree)];
    const planted = globSync(SOURCES, { cwd: tree }).flatMap((file) => plantedIn(tree, file));
    const silent = planted.filter((one) => !bitten.includes(one));
    const untried = rules.forbidden.filter((rule) => !planted.some((one) => one.endsWith(` ${rule.name}`)));
    console.log(`${planted.length} planted violations, ${planted.length - silent.length} noticed`);
    return [
      ...silent.map((one) => `planted and not noticed: ${one}`),
      ...untried.map((rule) => `no violation is planted for the rule ${rule.name}`),
    ];
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
}

/** What a planted file says it breaks, as `file rule`. */
function plantedIn(tree: string, file: string): readonly string[] {
  const rule = /^\/\/ breaks: (\S+)$/m.exec(readFileSync(join(tree, file), "utf8"))?.[1];
  return rule ? [`${file} ${rule}`] : [];
}

function brokenRules(found: ICruiseResult): readonly string[] {
  return found.summary.violations.map(({ from, rule }) => `${from} ${rule.name}`);
}

function brokenLint(tree: string): readonly string[] {
  const lint = spawnSync("oxlint", ["--format", "json"], { cwd: tree, encoding: "utf8" });
  const { diagnostics } = JSON.parse(lint.stdout) as { diagnostics: { filename: string; code: string }[] };
  return diagnostics.map(({ filename, code }) => `${filename} ${code}`);
}

const wrong = [...(await checkOwnCode()), ...(await checkPlanted())];
for (const line of wrong) console.error(line);
process.exitCode = wrong.length > 0 ? 1 : 0;
