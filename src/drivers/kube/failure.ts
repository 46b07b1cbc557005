/** The API's refusals and silences in the operator's words. */
import { KubeError, type RawAnswer } from "#ports/kube.ts";
import type { StatusObject } from "./events.ts";

/** Reasons of apimachinery's meta/v1 StatusReason that callers tell apart; every other one is KUBE_REFUSED. */
const CODES: Readonly<Record<string, string>> = {
  NotFound: "KUBE_NOT_FOUND",
  AlreadyExists: "KUBE_ALREADY_EXISTS",
  Conflict: "KUBE_CONFLICT",
  Invalid: "KUBE_INVALID",
  BadRequest: "KUBE_INVALID",
  Forbidden: "KUBE_FORBIDDEN",
  Unauthorized: "KUBE_UNAUTHORIZED",
  Expired: "KUBE_EXPIRED",
  Gone: "KUBE_EXPIRED",
  TooManyRequests: "KUBE_BUSY",
  ServiceUnavailable: "KUBE_UNAVAILABLE",
  Timeout: "KUBE_TIMEOUT",
  ServerTimeout: "KUBE_TIMEOUT",
};
/** Where the answer is no Status object: an unknown group, or a proxy before the server. */
const CODES_BY_STATUS: Readonly<Record<number, string>> = {
  401: "KUBE_UNAUTHORIZED",
  403: "KUBE_FORBIDDEN",
  404: "KUBE_NOT_FOUND",
  410: "KUBE_EXPIRED",
  429: "KUBE_BUSY",
  503: "KUBE_UNAVAILABLE",
};
const SHOWN_TEXT = 300;

/** An answer other than 2xx. `what` is the request in words, such as `GET /api/v1/nodes`. */
export function refused(server: string, what: string, { status, text }: RawAnswer): KubeError {
  const { reason, message } = readStatus(text);
  const said = message || text.trim().slice(0, SHOWN_TEXT) || "no message";
  const problem = {
    code: CODES[reason] ?? CODES_BY_STATUS[status] ?? "KUBE_REFUSED",
    message: `${server} answered ${what} with HTTP ${status}${reason && ` ${reason}`}: ${said}`,
  };
  return new KubeError(problem, status, reason);
}

/** No answer at all. */
export function unreachable(server: string, cause: unknown): KubeError {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const code = "code" in error ? String(error.code) : "";
  if (code === "UND_ERR_BODY_TIMEOUT") {
    const message = `${server} fell silent in the middle of an answer.`;
    const hint = "Its machine may be frozen, or the network may drop what it sends.";
    return new KubeError({ code: "KUBE_SILENT", message, hint }, 0, "", { cause });
  }
  if (error.name === "TimeoutError" || code === "UND_ERR_HEADERS_TIMEOUT") {
    const message = `${server} did not answer in time.`;
    return new KubeError({ code: "KUBE_TIMEOUT", message }, 0, "", { cause });
  }
  if (/^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO|DEPTH_|SELF_SIGNED)/.test(code)) {
    const message = `${server} is not the API server it should be, or does not accept our certificate: ${error.message}`;
    const hint = "Another cluster may answer at this address, or a clock may be wrong.";
    return new KubeError({ code: "KUBE_TLS", message, hint }, 0, "", { cause });
  }
  const message = `${server} does not answer: ${error.message || code}`;
  const hint = "See whether the site's machines run and its virtual address can be reached from here.";
  return new KubeError({ code: "KUBE_UNREACHABLE", message, hint }, 0, "", { cause });
}

/** An answer that should be JSON and is not. */
export function unreadable(server: string, what: string, status: number, cause: unknown): KubeError {
  const message = `${server} answered ${what} with text that is not JSON.`;
  return new KubeError({ code: "KUBE_UNREADABLE", message }, status, "", { cause });
}

/** A Status object that came in the middle of a watch. */
export function refusedInWatch(server: string, what: string, status: StatusObject): KubeError {
  return refused(server, what, {
    status: status.code ?? 500,
    text: JSON.stringify({ ...status, kind: "Status" }),
  });
}

function readStatus(text: string): { readonly reason: string; readonly message: string } {
  const nothing = { reason: "", message: "" };
  try {
    const status = JSON.parse(text) as { kind?: string; reason?: string; message?: string } | null;
    if (status?.kind !== "Status") return nothing;
    return { reason: status.reason ?? "", message: status.message ?? "" };
  } catch {
    return nothing;
  }
}
