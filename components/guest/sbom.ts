/**
 * The bill of materials of an image: SPDX 2.3 as JSON. Every package with its
 * version, its source and the checksum its archive signed for; every file of
 * the image with its own. The same image gives the same bytes.
 */
import { createHash } from "node:crypto";
import { nameUuid, sha256, stableJson } from "#base/hash.ts";
import { parseFields } from "../debian.ts";

/** An installed package as apt tells it. */
export interface InstalledPackage {
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  /** Name and version of the source package. */
  readonly source: string;
  readonly maintainer: string;
  /** Path in the archive. */
  readonly file: string;
  readonly sha256: string;
}

/** A file of the image. */
export interface ImageFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha1: string;
  readonly sha256: string;
}

/** Reads the paragraphs of `apt-cache show`, sorted by name. */
export function parsePackages(text: string): readonly InstalledPackage[] {
  const found = text
    .split(/\n\s*\n/)
    .map((paragraph) => parseFields(paragraph))
    .filter((fields) => fields.has("package"))
    .map((fields): InstalledPackage => {
      const get = (name: string): string => fields.get(name) ?? "";
      const [name, version] = [get("package"), get("version")];
      const [source = name, sourceVersion = version] = get("source")
        .split(/[ ()]+/)
        .filter((word) => word !== "");
      return {
        name,
        version,
        architecture: get("architecture"),
        source: `${source} ${sourceVersion}`,
        maintainer: get("maintainer"),
        file: get("filename"),
        sha256: get("sha256"),
      };
    });
  return found.sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** Digest of a package list: what an image's bytes belong to, beside our recipe. */
export function packagesDigest(packages: readonly InstalledPackage[]): string {
  return sha256(packages.map(({ name, version, sha256: sum }) => `${name} ${version} ${sum}\n`).join(""));
}

/** The document, made at `created` (the time that everything in the image has, never the clock's). */
export function spdxDocument(
  name: string,
  packages: readonly InstalledPackage[],
  files: readonly ImageFile[],
  created: Date,
): object {
  const document = "SPDXRef-DOCUMENT";
  const image = "SPDXRef-Image";
  const content = stableJson([packages, files]);
  const contains = (from: string, to: string) => ({
    spdxElementId: from,
    relationshipType: "CONTAINS",
    relatedSpdxElement: to,
  });
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: document,
    name,
    documentNamespace: `urn:uuid:${nameUuid(`sbom/${name}/${sha256(content)}`)}`,
    creationInfo: { created: created.toISOString().replace(/\.\d+Z$/, "Z"), creators: ["Tool: panopticon"] },
    packages: [imagePackage(image, name, files), ...packages.map(spdxPackage)],
    files: files.map(spdxFile),
    relationships: [
      { spdxElementId: document, relationshipType: "DESCRIBES", relatedSpdxElement: image },
      ...files.map((file) => contains(image, fileId(file))),
      ...packages.map((one) => contains(image, packageId(one))),
    ],
  };
}

const UNSAID = { licenseConcluded: "NOASSERTION", copyrightText: "NOASSERTION" } as const;

/** Its files are known, hence their common code: SPDX wants SHA-1 for it. */
function imagePackage(id: string, name: string, files: readonly ImageFile[]): object {
  const sums = files.map((file) => file.sha1).toSorted();
  return {
    SPDXID: id,
    name,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: true,
    packageVerificationCode: {
      packageVerificationCodeValue: createHash("sha1").update(sums.join("")).digest("hex"),
    },
    licenseInfoFromFiles: ["NOASSERTION"],
    licenseDeclared: "NOASSERTION",
    ...UNSAID,
    primaryPackagePurpose: "OPERATING-SYSTEM",
  };
}

function spdxPackage(one: InstalledPackage): object {
  const { name, version, architecture, source, maintainer, file, sha256: sum } = one;
  const purl = `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}`;
  return {
    SPDXID: packageId(one),
    name,
    versionInfo: version,
    supplier: "Organization: Debian",
    originator: `Organization: ${maintainer}`,
    downloadLocation: "NOASSERTION",
    packageFileName: file,
    filesAnalyzed: false,
    checksums: [{ algorithm: "SHA256", checksumValue: sum }],
    sourceInfo: `built from ${source}`,
    licenseDeclared: "NOASSERTION",
    ...UNSAID,
    externalRefs: [{ referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl }],
  };
}

function spdxFile(file: ImageFile): object {
  return {
    SPDXID: fileId(file),
    fileName: `./${file.name}`,
    checksums: [
      { algorithm: "SHA1", checksumValue: file.sha1 },
      { algorithm: "SHA256", checksumValue: file.sha256 },
    ],
    licenseInfoInFiles: ["NOASSERTION"],
    ...UNSAID,
  };
}

function packageId({ name, architecture }: InstalledPackage): string {
  return `SPDXRef-Package-${name.replaceAll("+", "-plus-")}-${architecture}`;
}

function fileId({ name }: ImageFile): string {
  return `SPDXRef-File-${name}`;
}
