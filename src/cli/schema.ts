/** `panopticon schema`: the file format, for editors that complete and check YAML. */
import { Argument } from "commander";
import { type AddCommand, command } from "./command.ts";
import { print } from "./print.ts";

/** Adds `schema`. */
export const addSchema: AddCommand = (program) => {
  program.addCommand(
    command("schema", "print the JSON Schema of the federation file, or of the service file", [
      "schema > federation.schema.json",
      "schema service > service.schema.json",
    ])
      .addArgument(
        new Argument("[kind]", "which file").choices(["federation", "service"]).default("federation"),
      )
      .action(async (kind: "federation" | "service") => {
        const [{ federationJsonSchema }, { serviceJsonSchema }] = await Promise.all([
          import("#model/schema.ts"),
          import("#model/service/shape.ts"),
        ]);
        const schema = kind === "service" ? serviceJsonSchema() : federationJsonSchema();
        print(JSON.stringify(schema, null, 2));
      }),
  );
};
