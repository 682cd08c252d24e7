/**
 * The suite `latency`: what one durable put costs beyond the disk, with nothing else under way. A
 * bare write + `fdatasync` of the same bytes, `await put` and `writeSync` take turns in one
 * process, a few of each at a time, so that all see the same disk.
 */
import {
  BLOCK_HEADER_BYTES,
  OPERATION_HEADER_BYTES,
  padTo4,
  recordBytesFor,
} from '@manifold-db/storage';
import type { ManifoldDatabase } from '@manifold-db/core/internal';
import type { Settings } from '../arguments.js';
import { BareLog } from '../bare-log.js';
import { openManifold } from '../engines/manifold.js';
import { median, percentile, rounded, sortedCopy, spreadOf } from '../figures.js';
import { describeMachine } from '../machine.js';
import { Random } from '../random.js';
import type { Report } from '../report.js';
import { withScratch } from '../scratch.js';
import { formatTable } from '../table.js';

const ROUNDS = 5;
const WRITES_PER_ROUND = 1500;
const QUICK_WRITES = 60;
/** So many of one kind in a row. */
const TURN = 20;
const WARM_UP_TURNS = 20;
const KEY_BYTES = 8;
const VALUE_BYTES = 150;
const US_PER_MS = 1e3;

/** What the log writes for one such put: the bare write is given the same. */
const LOG_BYTES =
  BLOCK_HEADER_BYTES +
  recordBytesFor(OPERATION_HEADER_BYTES + padTo4(KEY_BYTES) + padTo4(VALUE_BYTES));

const KINDS = ['bare', 'put', 'writeSync'] as const;
type Kind = (typeof KINDS)[number];

class Writes {
  readonly #database: ManifoldDatabase;
  readonly #log: BareLog;
  readonly #random = new Random(7);
  readonly #key = Buffer.alloc(KEY_BYTES);
  readonly #value = this.#random.bytes(VALUE_BYTES);

  constructor(database: ManifoldDatabase, log: BareLog) {
    this.#database = database;
    this.#log = log;
  }

  #nextKey(): Buffer {
    this.#key.writeUInt32BE(this.#random.below(0x4000_0000), 0);
    return this.#key;
  }

  /** Microseconds of each of `TURN` writes. */
  async turn(kind: Kind, timesUs: number[]): Promise<void> {
    const family = this.#database.columnFamily<Buffer, Buffer>('latency', {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
    });
    for (let i = 0; i < TURN; i++) {
      const key = this.#nextKey();
      const started = performance.now();
      if (kind === 'bare') this.#log.append();
      else if (kind === 'put') await family.put(key, this.#value);
      else this.#database.writeSync((tx) => tx.put(family, key, this.#value));
      timesUs.push((performance.now() - started) * US_PER_MS);
    }
  }
}

type RoundFigures = Readonly<Record<Kind, { readonly p50Us: number; readonly p99Us: number }>>;

async function measureRound(writes: Writes, count: number): Promise<RoundFigures> {
  const times: Record<Kind, number[]> = { bare: [], put: [], writeSync: [] };
  for (let done = 0; done < count; done += TURN) {
    for (const kind of KINDS) await writes.turn(kind, times[kind]);
  }
  const figuresOf = (kind: Kind) => {
    const sorted = sortedCopy(times[kind]);
    return { p50Us: percentile(sorted, 0.5), p99Us: percentile(sorted, 0.99) };
  };
  return { bare: figuresOf('bare'), put: figuresOf('put'), writeSync: figuresOf('writeSync') };
}

function measureRounds(settings: Settings): Promise<RoundFigures[]> {
  return withScratch(settings.directory, async (directory) => {
    const database = await openManifold(`${directory}/database`, settings.openOptions);
    const log = new BareLog(directory, LOG_BYTES);
    const writes = new Writes(database, log);
    const rounds: RoundFigures[] = [];
    const count = settings.count ?? (settings.quick ? QUICK_WRITES : WRITES_PER_ROUND);
    await measureRound(writes, settings.quick ? TURN : WARM_UP_TURNS * TURN);
    const wanted = settings.rounds ?? (settings.quick ? 1 : ROUNDS);
    for (let round = 1; round <= wanted; round++) {
      rounds.push(await measureRound(writes, count));
      process.stderr.write(`round ${round}/${wanted}\n`);
    }
    log.close();
    await database.close();
    return rounds;
  });
}

export async function latency(settings: Settings): Promise<Report> {
  const machine = await describeMachine(settings.directory);
  const rounds = await measureRounds(settings);
  const runs = KINDS.map((kind) => {
    const p50sUs = rounds.map((round) => round[kind].p50Us);
    const aboveBareUs = rounds.map((round) => round[kind].p50Us - round.bare.p50Us);
    return {
      kind,
      bytes: LOG_BYTES,
      p50Us: rounded(median(p50sUs)),
      p99Us: rounded(median(rounds.map((round) => round[kind].p99Us))),
      p50AboveBareUs: rounded(median(aboveBareUs)),
      p50AboveBareUsRounds: spreadOf(aboveBareUs),
    };
  });
  const text = formatTable(
    [
      ['write', (run) => run.kind],
      ['p50 us', (run) => run.p50Us],
      ['p99 us', (run) => run.p99Us],
      ['p50 above bare us', (run) => run.p50AboveBareUs],
      ['min', (run) => run.p50AboveBareUsRounds.min],
      ['max', (run) => run.p50AboveBareUsRounds.max],
    ],
    runs,
  );
  return { json: { machine, runs }, text };
}
