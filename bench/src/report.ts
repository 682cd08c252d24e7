/** What a suite hands back. */
export interface Report {
  /** Printed by `--json`. */
  readonly json: Readonly<Record<string, unknown>>;
  /** Printed otherwise. */
  readonly text: string;
}
