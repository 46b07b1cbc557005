/** CustomResourceDefinitions as we write them: one version, stored and served. */
import type { KubeObject } from "#ports/kube.ts";
import { object, type Schema, text } from "./schema.ts";

export interface Column {
  readonly name: string;
  readonly type: "string" | "integer" | "date" | "boolean";
  readonly jsonPath: string;
}

export interface Version {
  readonly name: string;
  readonly served: true;
  readonly storage: true;
  readonly schema: { readonly openAPIV3Schema: Schema };
  readonly subresources?: { readonly status: object };
  readonly additionalPrinterColumns?: readonly Column[];
}

export interface Definition extends KubeObject {
  readonly spec: {
    readonly group: string;
    readonly scope: "Namespaced" | "Cluster";
    readonly names: {
      readonly kind: string;
      readonly plural: string;
      readonly singular: string;
      readonly listKind: string;
      readonly shortNames?: readonly string[];
    };
    readonly versions: readonly Version[];
  };
}

export interface Wanted {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly scope: "Namespaced" | "Cluster";
  readonly shortNames?: readonly string[];
  readonly columns?: readonly Column[];
  readonly description: string;
  readonly spec?: Schema;
  readonly status?: Schema;
  /** CEL rules on the whole object, where `self.metadata.name` can be seen. */
  readonly rules?: Schema["x-kubernetes-validations"];
}

export function definition(wanted: Wanted): Definition {
  const { group, kind, plural, scope, shortNames, spec, status, rules } = wanted;
  const schema: Schema = {
    description: wanted.description,
    ...object(
      {
        apiVersion: text,
        kind: text,
        metadata: { type: "object" },
        ...(spec && { spec }),
        ...(status && { status }),
      },
      spec ? ["spec"] : [],
    ),
    ...(rules && { "x-kubernetes-validations": rules }),
  };
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope,
      names: {
        kind,
        plural,
        singular: kind.toLowerCase(),
        listKind: `${kind}List`,
        ...(shortNames && shortNames.length > 0 && { shortNames }),
      },
      versions: [
        {
          name: wanted.version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schema },
          ...(status && { subresources: { status: {} } }),
          ...(wanted.columns && { additionalPrinterColumns: wanted.columns }),
        },
      ],
    },
  };
}
