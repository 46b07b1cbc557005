/**
 * What was done to the world and when, in SQLite beside the state. It is a
 * memory for people and for questions such as "what was under way when the last
 * run was killed"; what to do next is decided by looking at the world.
 */
import { DatabaseSync } from "node:sqlite";

export interface JournalEntry {
  readonly site: string;
  readonly phase: string;
  readonly subject: string;
  readonly what: string;
  readonly at: Date;
}

export interface Journal {
  /** Writes down that a change starts; gives its number. */
  begin(entry: JournalEntry): number;
  /** Writes down that it ended, well or with an error. */
  end(id: number, at: Date, error?: string): void;
  /** Changes that began and never ended: the program was killed during them. */
  unfinished(): readonly JournalEntry[];
  /** Marks the unfinished ones as cut off, so that they are told once. */
  settle(at: Date): void;
  close(): void;
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS changes (
    id INTEGER PRIMARY KEY,
    site TEXT NOT NULL,
    phase TEXT NOT NULL,
    subject TEXT NOT NULL,
    what TEXT NOT NULL,
    began TEXT NOT NULL,
    ended TEXT,
    error TEXT
  ) STRICT;
`;

/** Opens (or makes) the journal at a path; `:memory:` keeps it in memory. */
export function openJournal(path: string): Journal {
  const database = new DatabaseSync(path);
  database.exec(SCHEMA);
  const insert = database.prepare(
    "INSERT INTO changes (site, phase, subject, what, began) VALUES (?, ?, ?, ?, ?)",
  );
  const finish = database.prepare("UPDATE changes SET ended = ?, error = ? WHERE id = ?");
  const open = database.prepare(
    "SELECT site, phase, subject, what, began FROM changes WHERE ended IS NULL ORDER BY id",
  );
  const settle = database.prepare("UPDATE changes SET ended = ?, error = 'cut off' WHERE ended IS NULL");
  return {
    begin: ({ site, phase, subject, what, at }) =>
      Number(insert.run(site, phase, subject, what, at.toISOString()).lastInsertRowid),
    end: (id, at, error) => {
      finish.run(at.toISOString(), error ?? null, id);
    },
    unfinished: () =>
      open.all().map((row) => ({
        site: String(row["site"]),
        phase: String(row["phase"]),
        subject: String(row["subject"]),
        what: String(row["what"]),
        at: new Date(String(row["began"])),
      })),
    settle: (at) => {
      settle.run(at.toISOString());
    },
    close: () => database.close(),
  };
}
