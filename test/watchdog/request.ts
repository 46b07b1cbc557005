/** Requests for certificates as another program than ours makes them. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A request by OpenSSL with a new key, PEM in base64 as the API keeps it. @param names as in `subjectAltName`, or none */
export function certificateRequest(subject: string, names: string): string {
  const dir = mkdtempSync(join(tmpdir(), "panopticon-request-"));
  try {
    const file = (name: string): string => join(dir, name);
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const out = ["-keyout", file("key"), "-out", file("request")];
    const more = names === "" ? [] : ["-addext", `subjectAltName=${names}`];
    execFileSync("openssl", ["req", "-new", ...key, ...out, "-subj", subject, ...more], { stdio: "ignore" });
    return readFileSync(file("request")).toString("base64");
  } finally {
    rmSync(dir, { recursive: true });
  }
}
