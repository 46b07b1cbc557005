// breaks: acting-rooms-know-no-front
export { app } from "#app/app.ts";
