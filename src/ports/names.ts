/** A name server whose records can be changed while it answers. */

/** All records of one name and type; they are changed together. */
export interface RecordSet {
  /** Absolute, without the last dot, lower case; `*.` at the beginning is a wildcard. */
  readonly name: string;
  readonly type: "A" | "TXT";
  /** Seconds. */
  readonly ttl: number;
  /** Addresses, or texts; in no order, each once. */
  readonly values: readonly string[];
}

/** One name and type, of which nothing shall be left. */
export interface Removal {
  readonly name: string;
  readonly type: RecordSet["type"];
}

/** One record among those of its name and type, which others may have put there. */
export interface SingleRecord {
  readonly name: string;
  readonly type: RecordSet["type"];
  /** Seconds. */
  readonly ttl: number;
  readonly value: string;
}

export interface NameChanges {
  readonly replace: readonly RecordSet[];
  readonly remove: readonly Removal[];
  /** Joins what is there; one that is there already stays as it is. */
  readonly add?: readonly SingleRecord[];
  /** Leaves what else is there; one that is not there is no error. */
  readonly drop?: readonly SingleRecord[];
}

/** One zone at one name server. */
export interface NameServer {
  /** As a person knows it: a machine's name, or where it listens. */
  readonly name: string;
  /** The zone's serial number: it changes with every change of the zone. */
  serial(): Promise<number>;
  /** All A and TXT records of the zone. */
  records(): Promise<readonly RecordSet[]>;
  /** All of the changes or none. */
  update(changes: NameChanges): Promise<void>;
  /** The texts (TXT) of a name as it answers anybody who asks; none where there is no such name. */
  texts(name: string): Promise<readonly string[]>;
}
