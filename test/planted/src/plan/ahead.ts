// breaks: pipeline-flows-one-way
export { files } from "#render/files.ts";
