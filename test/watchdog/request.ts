/** Requests for certificates as another program than ours makes them. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mustRun } from "#base/process.ts";

/** A request by OpenSSL with a new key, PEM in base64 as the API keeps it. @param names as in `subjectAltName`, or none */
export async function certificateRequest(subject: string, names: string): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), "panopticon-request-"));
  try {
    const file = (name: string): string => join(dir, name);
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    const out = ["-keyout", file("key"), "-out", file("request")];
    const more = names === "" ? [] : ["-addext", `subjectAltName=${names}`];
    await mustRun("TEST_OPENSSL", ["openssl", "req", "-new", ...key, ...out, "-subj", subject, ...more]);
    return readFileSync(file("request")).toString("base64");
  } finally {
    rmSync(dir, { recursive: true });
  }
}
