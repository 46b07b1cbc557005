/** Plays a site's ingress: argv is certificate, key and a file that says what to answer for which host. */
import { readFileSync } from "node:fs";
import { createServer } from "node:https";

const [cert = "", key = "", answers = ""] = process.argv.slice(2);

createServer({ cert: readFileSync(cert), key: readFileSync(key) }, (request, response) => {
  const known = JSON.parse(readFileSync(answers, "utf8")) as Readonly<Record<string, number>>;
  const status = known[request.headers.host ?? ""] ?? 200;
  response.writeHead(status, { "content-type": "text/plain" });
  response.end(status === 404 ? "404 page not found\n" : "hello\n");
}).listen(443);
