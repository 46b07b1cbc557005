/** Words for OpenAPI schemas of custom resources (structural schemas, apiextensions.k8s.io/v1). */

export interface Rule {
  /** CEL; `self` is the value the rule stands on. */
  readonly rule: string;
  readonly message: string;
}

export interface Schema {
  readonly type?: "object" | "array" | "string" | "integer" | "boolean";
  readonly description?: string;
  readonly format?: "int32" | "int64" | "date-time" | "byte";
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly required?: readonly string[];
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly nullable?: boolean;
  readonly default?: string | number | boolean;
  readonly "x-kubernetes-preserve-unknown-fields"?: true;
  readonly "x-kubernetes-embedded-resource"?: true;
  readonly "x-kubernetes-list-type"?: "map" | "set" | "atomic";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-map-type"?: "granular" | "atomic";
  readonly "x-kubernetes-validations"?: readonly Rule[];
}

/** Names of Kubernetes objects are at most this long; a bound on every text keeps CEL's cost estimate low. */
const NAME_LENGTH = 253;

export const text: Schema = { type: "string" };
export const name: Schema = { type: "string", minLength: 1, maxLength: NAME_LENGTH };
export const flag: Schema = { type: "boolean" };
export const time: Schema = { type: "string", format: "date-time" };
export const count: Schema = { type: "integer", format: "int64", minimum: 0 };

/** A Kubernetes resourceVersion: a decimal number, of any size, in a string. */
export const revision: Schema = { type: "string", pattern: "^[0-9]+$", maxLength: 40 };

export function object(
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[] = [],
): Schema {
  return { type: "object", properties, ...(required.length > 0 && { required }) };
}

export function list(items: Schema, maxItems?: number): Schema {
  return { type: "array", items, ...(maxItems !== undefined && { maxItems }) };
}

/** A list whose entries have owners of their own under server-side apply. */
export function keyed(by: string, items: Schema, maxItems?: number): Schema {
  return { ...list(items, maxItems), "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [by] };
}

export function oneOf(...values: readonly string[]): Schema {
  return { type: "string", enum: values };
}

export function map(values: Schema, maxProperties?: number): Schema {
  return {
    type: "object",
    additionalProperties: values,
    ...(maxProperties !== undefined && { maxProperties }),
  };
}

/** Anything at all: templates and bodies, which their own API judges. */
export const anything: Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

/** Anything, which is written as a whole: the server keeps no account of who wrote which part. */
export const whole: Schema = { ...anything, "x-kubernetes-map-type": "atomic" };

export function ruled(schema: Schema, ...rules: readonly Rule[]): Schema {
  return { ...schema, "x-kubernetes-validations": rules };
}
