/** What both engines can do in the suite `read`; every call gives the sum of the bytes it saw. */
export interface ReadEngine {
  get(keys: readonly Buffer[]): number;
  /** Point reads of values that are valid until the next read only, where there is such a thing. */
  getFast?(keys: readonly Buffer[]): number;
  getMany(keys: readonly Buffer[], size: number): number | Promise<number>;
  scan(reverse: boolean): number;
  ranges(keys: readonly Buffer[], limit: number): number;
  close(): Promise<void>;
}
