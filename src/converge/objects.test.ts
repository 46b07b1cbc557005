import { expect, it } from "vitest";
import { pluralOf } from "./objects.ts";

it("kinds are called in paths as the API calls them", () => {
  expect(
    ["NetworkPolicy", "CustomResourceDefinition", "ValidatingAdmissionPolicyBinding"].map(pluralOf),
  ).toEqual(["networkpolicies", "customresourcedefinitions", "validatingadmissionpolicybindings"]);
});
