/** `panopticon schema`: the file format, for editors that complete and check YAML. */
import { type AddCommand, command } from "./command.ts";
import { print } from "./print.ts";

/** Adds `schema`. */
export const addSchema: AddCommand = (program) => {
  program.addCommand(
    command("schema", "print the JSON Schema of the federation file", [
      "schema > federation.schema.json",
    ]).action(async () => {
      const { federationJsonSchema } = await import("#model/schema.ts");
      print(JSON.stringify(federationJsonSchema(), null, 2));
    }),
  );
};
