/**
 * What is searched: the configurations of the sound model, and the variants with a bug, each of
 * which must be found, and found for the reason it is a bug. The definitions are described in
 * model/*.pml.
 */
import type { Finding, Search } from './check.js';

export interface NamedSearch extends Search {
  /** `model/configuration`: what `--case` is given. */
  readonly name: string;
  readonly expected: Finding;
}

interface Size {
  readonly small: string;
  readonly large: string;
}

/** A sound configuration: definitions of its own, and parameters by size. */
interface Configuration extends Size {
  readonly name: string;
  /** An LTL claim of the model instead of assertions and end states. */
  readonly claim?: string;
}

interface Variant {
  readonly bug: string;
  readonly with: string;
  readonly expected: Finding;
}

interface Model {
  readonly name: string;
  readonly configurations: readonly Configuration[];
  readonly variants: readonly Variant[];
}

const RING: Model = {
  name: 'ring',
  configurations: [
    {
      name: 'two committers',
      small: '',
      large: 'COMMITS=5 RING_RECORDS_MAX=4 RING_UNITS=8',
    },
    { name: 'three committers', small: 'COMMITTERS=3 COMMITS=3', large: 'COMMITTERS=3' },
    { name: 'all is written', small: 'COMMITS=3', large: '', claim: 'written' },
  ],
  variants: [
    { bug: 'B2', with: '', expected: 'assertion' },
    { bug: 'STATE_FIRST', with: '', expected: 'assertion' },
    { bug: 'STATE_IS_FLAG', with: '', expected: 'assertion' },
    { bug: 'NO_SKIP', with: '', expected: 'assertion' },
  ],
};

const SYNC: Model = {
  name: 'sync',
  configurations: [
    {
      name: 'errors',
      small: 'SYNC_ERRORS WRITE_ERRORS',
      large: 'SYNC_ERRORS WRITE_ERRORS COMMITS=4',
    },
    {
      name: 'every commit is settled',
      small: 'SYNC_ERRORS COMMITS=2',
      large: 'SYNC_ERRORS WRITE_ERRORS',
      claim: 'settles',
    },
    {
      name: 'close at any moment',
      small: 'SYNC_ERRORS CLOSES_EARLY COMMITS=2',
      large: 'SYNC_ERRORS WRITE_ERRORS CLOSES_EARLY',
    },
    {
      name: 'close ends',
      small: 'SYNC_ERRORS CLOSES_EARLY COMMITS=2',
      large: 'SYNC_ERRORS WRITE_ERRORS CLOSES_EARLY',
      claim: 'closes',
    },
    {
      name: 'the worker dies',
      small: 'WORKER_DIES CLOSES_EARLY COMMITS=2',
      large: 'WORKER_DIES CLOSES_EARLY SYNC_ERRORS',
    },
    {
      name: 'close ends, the worker dies',
      small: 'WORKER_DIES CLOSES_EARLY COMMITS=1',
      large: 'WORKER_DIES CLOSES_EARLY COMMITS=2',
      claim: 'closes',
    },
    {
      name: 'power cut',
      small: 'POWER_CUT SYNC_ERRORS WRITE_ERRORS',
      large: 'POWER_CUT SYNC_ERRORS WRITE_ERRORS CLOSES_EARLY COMMITS=4',
    },
  ],
  variants: [
    { bug: 'B1', with: 'POWER_CUT', expected: 'assertion' },
    { bug: 'B1_BEFORE', with: 'POWER_CUT', expected: 'assertion' },
    { bug: 'B3', with: 'SYNC_ERRORS', expected: 'deadlock' },
    { bug: 'B3', with: 'SYNC_ERRORS CLOSES_EARLY', expected: 'deadlock' },
    { bug: 'B9', with: 'POWER_CUT WRITE_ERRORS', expected: 'assertion' },
    { bug: 'FAILURE_SILENT', with: 'SYNC_ERRORS', expected: 'deadlock' },
    { bug: 'NO_RECHECK', with: '', expected: 'deadlock' },
    { bug: 'LATE_COUNT', with: '', expected: 'deadlock' },
    { bug: 'WAIT_ANYWAY', with: '', expected: 'deadlock' },
    { bug: 'RING_FIRST', with: '', expected: 'deadlock' },
    { bug: 'DEATH_UNSEEN', with: 'WORKER_DIES CLOSES_EARLY', expected: 'assertion' },
  ],
};

const READER = 'READER PLAIN_LOG COMMITS=2 PAGES=4';

const PAGES: Model = {
  name: 'pages',
  configurations: [
    { name: 'every thread ends', small: '', large: 'COMMITS=5' },
    { name: 'power cut', small: 'POWER_CUT', large: 'POWER_CUT COMMITS=5' },
    {
      name: 'power cut beside snapshots',
      small: 'POWER_CUT SNAPSHOTS PLAIN_LOG COMMITS=3 PAGES=4',
      large: 'POWER_CUT SNAPSHOTS PLAIN_LOG COMMITS=3',
    },
    { name: 'reader', small: READER, large: 'READER PLAIN_LOG COMMITS=3 PAGES=5' },
  ],
  variants: [
    { bug: 'B4', with: 'POWER_CUT', expected: 'assertion' },
    { bug: 'B8', with: 'POWER_CUT', expected: 'assertion' },
    { bug: 'RECYCLE_EARLY', with: 'POWER_CUT', expected: 'assertion' },
    { bug: 'PAGES_NOT_SYNCED', with: 'POWER_CUT', expected: 'assertion' },
    { bug: 'RUNNING_UNHELD', with: 'POWER_CUT', expected: 'assertion' },
    { bug: 'NO_AGING', with: READER, expected: 'assertion' },
    { bug: 'PINS_ONCE', with: READER, expected: 'assertion' },
  ],
};

const FRAMES_SHORT = 'AWAITS COMMITS=2 FRAMES=1';
const LOG_SHORT = 'AWAITS COMMITS=3 FRAMES=3';

const ROOM: Model = {
  name: 'room',
  configurations: [
    {
      name: 'frames and log are short',
      small: `${FRAMES_SHORT} SYNC_ERRORS DATA_ERRORS`,
      large: 'AWAITS SYNC_ERRORS DATA_ERRORS COMMITS=3',
    },
    { name: 'log is short', small: LOG_SHORT, large: `${LOG_SHORT} SYNC_ERRORS DATA_ERRORS` },
    {
      name: 'sequential, frames are short',
      small: `SEQUENTIAL PLENTY_OF_LOG ASYNC TRANSACTIONS ${FRAMES_SHORT}`,
      large: `SEQUENTIAL ASYNC ${FRAMES_SHORT} SYNC_ERRORS DATA_ERRORS`,
    },
    {
      name: 'close at any moment',
      small: 'PLENTY_OF_LOG SYNC_ERRORS DATA_ERRORS COMMITS=1 FRAMES=1',
      large: 'PLENTY_OF_LOG SYNC_ERRORS DATA_ERRORS COMMITS=2',
    },
    {
      name: 'every commit is settled',
      small: 'PLENTY_OF_LOG AWAITS COMMITS=1 FRAMES=1',
      large: `${FRAMES_SHORT} SYNC_ERRORS`,
      claim: 'settles',
    },
    {
      name: 'close ends, sequential',
      small: 'SEQUENTIAL PLENTY_OF_LOG COMMITS=1 FRAMES=1',
      large: `SEQUENTIAL ${FRAMES_SHORT}`,
      claim: 'closes',
    },
  ],
  variants: [
    { bug: 'NO_PUBLISH', with: `SEQUENTIAL PLENTY_OF_LOG ${FRAMES_SHORT}`, expected: 'deadlock' },
    { bug: 'STARVED_SLEEPS', with: LOG_SHORT, expected: 'deadlock' },
    { bug: 'NO_SPACE_BELL', with: LOG_SHORT, expected: 'deadlock' },
    { bug: 'NO_REQUEST_BELL', with: FRAMES_SHORT, expected: 'deadlock' },
    { bug: 'NO_IDLE_BELL', with: FRAMES_SHORT, expected: 'deadlock' },
    { bug: 'SYNCED_FIRST', with: 'AWAITS COMMITS=2 FRAMES=3', expected: 'deadlock' },
    { bug: 'LATE_STAMP', with: LOG_SHORT, expected: 'deadlock' },
    { bug: 'LATE_SHUTDOWN', with: 'PLENTY_OF_LOG COMMITS=2 FRAMES=3', expected: 'deadlock' },
  ],
};

const MODELS: readonly Model[] = [RING, SYNC, PAGES, ROOM];

function words(text: string): string[] {
  return text.split(' ').filter((word) => word !== '');
}

/** All searches of one size. Variants are as large as it takes, whatever the size. */
export function searches(size: keyof Size): NamedSearch[] {
  return MODELS.flatMap(({ name: model, configurations, variants }) => [
    ...configurations.map(({ name, claim, ...sizes }) => ({
      name: `${model}/${name}`,
      model,
      definitions: words(sizes[size]),
      expected: 'nothing' as const,
      ...(claim === undefined ? {} : { claim }),
    })),
    ...variants.map(({ bug, with: others, expected }) => {
      const definitions = [`BUG_${bug}`, ...words(others)];
      return { name: `${model}/${definitions.join(' ')}`, model, definitions, expected };
    }),
  ]);
}
