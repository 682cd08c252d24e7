/**
 * What a suite asks of an engine, the same for all of them. Keys and values are Buffers
 * everywhere. A store lives in a process of its own (see `isolated.ts`), so calls through it are
 * as good as direct ones.
 */
import type { EngineName, Mode } from '../arguments.js';
import type { StageTotals } from '../ladder/stage-costs.js';
import type { Durability, EngineFacts } from '../report.js';

export interface StoreRequest {
  readonly engine: EngineName;
  readonly mode: Mode | 'default';
  readonly durability: Durability;
  /** A fresh one, or one that the same engine has closed. */
  readonly directory: string;
  /** Separate ordered sets of keys; engines without any give each one a byte in front of its keys. */
  readonly families: number;
  /** For pages or blocks that were read; each engine gets the same. */
  readonly cacheBytes: number;
  /** For writes that are not in their final place; each engine that has such memory gets it. */
  readonly bufferBytes: number;
  /** Manifold only. */
  readonly addedSyncLatencyUs: number;
  /** Manifold only: what `--open` says. */
  readonly openOptions: Readonly<Record<string, unknown>>;
}

/** Puts of one commit. */
export interface Puts {
  readonly ops: number;
  /** The key of the next put, in the same Buffer every time: the engine copies it at once. */
  nextKey(): Buffer;
  /** The value that belongs to the last key; never changed: lmdb-js writes it from where it is. */
  value(): Buffer;
}

/** In key order from `start`, or from either end. */
export interface ScanRange {
  readonly start?: Buffer;
  readonly reverse?: boolean;
  readonly limit?: number;
}

export type MaybePromise<T> = T | Promise<T>;

export interface Store {
  readonly facts: EngineFacts;
  /** One commit; done once it is as durable as the request says. */
  commit(family: number, puts: Puts): MaybePromise<unknown>;
  /** A commit of one put. */
  put(key: Buffer, value: Buffer): MaybePromise<unknown>;
  /** The same while the event loop stands still, where an engine has it. */
  putSync?: ((key: Buffer, value: Buffer) => void) | undefined;
  /** Name of the method behind `get`. */
  readonly getName: string;
  get(key: Buffer): MaybePromise<Buffer | undefined>;
  /** Values that are valid until the next read only, where an engine has it. */
  readonly getFastName?: string;
  getFast?: (key: Buffer) => Buffer | undefined;
  getMany(keys: readonly Buffer[]): MaybePromise<readonly (Buffer | undefined)[]>;
  /** Sum of the lengths of the keys and of all bytes of the values. */
  scan(range: ScanRange): MaybePromise<number>;
  /** Resolves once nothing is under way any more. */
  settle(): Promise<void>;
  /** What `finish` waits for. */
  readonly finishedMeans: string;
  /** Resolves once everything is in its final place, and durable unless the request says less. */
  finish(): Promise<void>;
  /** Running totals, of engines that have them. */
  totals?: () => StageTotals;
  close(): Promise<void>;
}
