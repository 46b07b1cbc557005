import { expect, it } from "vitest";
import { pluralOf } from "./objects.ts";

it("kinds are called in paths as the API calls them", () => {
  expect(
    [
      "NetworkPolicy",
      "CustomResourceDefinition",
      "ValidatingAdmissionPolicyBinding",
      "IngressClass",
      "Gateway",
      "TLSStore",
    ].map(pluralOf),
  ).toEqual([
    "networkpolicies",
    "customresourcedefinitions",
    "validatingadmissionpolicybindings",
    "ingressclasses",
    "gateways",
    "tlsstores",
  ]);
});
