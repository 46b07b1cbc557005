/**
 * What a long work says while it runs. Rooms emit events, the command line (and
 * later the panel and the API) show them; nothing else prints.
 */

/** One thing that happened. `subject` is a machine, a site or a component. */
export type Event =
  | { readonly kind: "phase-start"; readonly site: string; readonly phase: string; readonly title: string }
  | {
      readonly kind: "phase-end";
      readonly site: string;
      readonly phase: string;
      readonly title: string;
      /** Changes made (or, in a dry run, that would be made). */
      readonly changes: number;
      readonly seconds: number;
    }
  | {
      readonly kind: "change-start" | "change-end" | "change-planned";
      readonly site: string;
      readonly phase: string;
      readonly subject: string;
      readonly what: string;
      readonly seconds?: number;
    }
  | {
      readonly kind: "progress";
      readonly subject: string;
      readonly what: string;
      /** 0 to 1 where it is known. */
      readonly fraction?: number;
      /** How long the whole is expected to take, in seconds. */
      readonly expectedSeconds?: number;
    }
  | { readonly kind: "done"; readonly subject: string; readonly what: string; readonly seconds: number }
  | { readonly kind: "note"; readonly subject: string; readonly what: string };

/** Takes events; never throws and never waits. */
export type Emit = (event: Event) => void;
