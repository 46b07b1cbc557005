/** `panopticon image`: the systems that machines on Xen servers boot, built by role. */
import type { ImageInfo } from "#components/guest/build.ts";
import type { HadImage, ListedImage } from "#components/guest/image.ts";
import type { GuestRole } from "#components/guest/roles.ts";
import { wrongUse } from "#base/errors.ts";
import { nearest } from "#model/nearest.ts";
import { type AddCommand, command, group, type OutputOption } from "./command.ts";
import { colour, count, show, table } from "./print.ts";

/** Adds `image` with `list`, `show` and `build`. */
export const addImage: AddCommand = (program) => {
  program.addCommand(
    group("image", "the systems that machines on Xen servers boot", [
      command("list", "say each role's image: size, packages, digest, and whether it is there", [
        "image list",
        "image list -o json",
      ]).action(list),
      command("show", "say what a role's image holds and leaves out, and why", ["image show ecam"])
        .argument("<role>", "ecam, controlplane or worker")
        .action(showRecipe),
      command("build", "build a role's image of Debian's packages, where the cache lacks it", [
        "image build ecam",
        "image build worker --out /srv/images/worker",
        "image build ecam --twice",
      ])
        .argument("<role>", "ecam, controlplane or worker")
        .option("--out <folder>", "also put kernel, initrd, root and bill of materials there")
        .option("--twice", "build it once more and compare the bytes; ends with 1 where they differ")
        .action(build),
    ]),
  );
};

async function list({ output }: OutputOption): Promise<void> {
  const { listImages } = await import("#components/guest/image.ts");
  show(output, { images: await listImages() }, ({ images }) =>
    table(
      ["role", "state", "packed", "root unpacked", "packages", "kernel", "digest", "for"],
      images.map(listRow),
    ),
  );
}

function listRow({ role, what, image }: ListedImage): readonly string[] {
  if (image === undefined) return [role, colour("yellow", "missing"), "-", "-", "-", "-", "-", what];
  const { packedBytes, rootBytes, packages, kernel, digest } = image.info;
  const sizes = [megabytes(packedBytes), megabytes(rootBytes), String(packages), kernel];
  return [role, colour("green", image.version), ...sizes, digest.slice(0, 16), what];
}

interface BuildOptions extends OutputOption {
  readonly out?: string;
  readonly twice?: boolean;
}

async function build(name: string, options: BuildOptions): Promise<void> {
  const [{ copyImage, ensureImage, reproduceImage }, { showProgress }, { interruptSignal }] =
    await Promise.all([
      import("#components/guest/image.ts"),
      import("./progress.ts"),
      import("./streams.ts"),
    ]);
  const role = await knownRole(name);
  const progress = showProgress();
  try {
    const how = { emit: progress.emit, signal: interruptSignal() };
    const image = await ensureImage(role, how);
    const again = options.twice ? await reproduceImage(role, image.info, how) : undefined;
    const copied = options.out === undefined ? undefined : await copyImage(image, options.out);
    progress.stop();
    const result = { ...image, ...(again && { reproduced: again.digest }), ...(copied && { copied }) };
    show(options.output, result, () => [
      ...imageLines(image),
      ...(again ? ["Built once more: the same bytes in every file."] : []),
      ...(copied ? [`Put into ${options.out}: ${count(copied.length, "file")}.`] : []),
    ]);
  } finally {
    progress.stop();
  }
}

function imageLines({ info, version, folder }: HadImage): readonly string[] {
  return [
    `${info.role}: Debian ${version}, kernel ${info.kernel}, ${count(info.packages, "package")}`,
    ...table(
      ["file", "size", "SHA-256"],
      info.files.map(({ name, bytes, sha256 }) => [name, megabytes(bytes), sha256]),
    ),
    sizes(info),
    `digest ${info.digest}`,
    `of the packages ${info.packagesDigest}`,
    `in ${folder}`,
  ];
}

function sizes({ packedBytes, rootBytes, fileSystemMiB }: ImageInfo): string {
  return `together ${megabytes(packedBytes)}; unpacked, the root's files take ${megabytes(rootBytes)} of a file system of ${fileSystemMiB} MiB`;
}

async function showRecipe(name: string, { output }: OutputOption): Promise<void> {
  const role = await knownRole(name);
  const { GUEST_LEFT_OUT, GUEST_MASKED, GUEST_RECIPES } = await import("#components/guest/roles.ts");
  const { what, packages, modules, bootModules, disabled } = GUEST_RECIPES[role];
  const all = [{ paths: ["all"], reason: "a worker may be given any device" }];
  const recipe = {
    role,
    what,
    packages,
    modules: modules ?? all,
    bootModules,
    disabled,
    masked: GUEST_MASKED,
    leftOut: GUEST_LEFT_OUT,
  };
  show(output, recipe, () => [
    `${role}: ${what}`,
    "",
    ...table(
      ["package", "why"],
      packages.map((one) => [one.name, one.reason]),
    ),
    "",
    ...table(
      ["kernel modules", "why"],
      recipe.modules.flatMap(({ paths, reason }) => paths.map((path) => [path, reason])),
    ),
    "",
    ...table(
      ["left out", "why"],
      recipe.leftOut.map(({ pattern, reason }) => [pattern, reason]),
    ),
    "",
    ...table(
      ["never started", "why"],
      recipe.masked.map((unit) => [unit.name, unit.reason]),
    ),
  ]);
}

async function knownRole(name: string): Promise<GuestRole> {
  const { GUEST_ROLES } = await import("#components/guest/roles.ts");
  const found = GUEST_ROLES.find((role) => role === name);
  if (found) return found;
  const near = nearest(name, GUEST_ROLES);
  throw wrongUse(
    "CLI_IMAGE_ROLE",
    `there is no role ${name}`,
    near ? `did you mean ${near}?` : `there are ${GUEST_ROLES.join(", ")}`,
  );
}

/** In the unit of packages' sizes and of the limits that are set for images. */
function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
