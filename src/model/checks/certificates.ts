import { missingKey } from "../shape-mistakes.ts";
import type { Check } from "./check.ts";

/** An ACME authority is named where one is wanted, and nowhere else: what would not be read is no silent wish. */
export const checkCertificates: Check = (_federation, { certificates }) => {
  if (certificates === undefined) return [];
  const { authority } = certificates;
  const named = Object.hasOwn(certificates, "acme");
  if (authority === "acme" && !named) return [missingKey(["certificates", "acme"])];
  const unknown = Object.hasOwn(certificates, "authority") && authority === undefined;
  if (authority === "acme" || !named || unknown) return [];
  return [
    {
      code: "MODEL_KEY_NOT_HERE",
      message: "certificates of a private authority have no acme",
      hint: "write `authority: acme`, or remove it",
      path: ["certificates", "acme"],
      spot: "key",
    },
  ];
};
