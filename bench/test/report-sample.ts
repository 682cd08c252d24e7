/** What suites print, in small and with figures that are easy to recognise on the page. */

const MACHINE = {
  cpu: 'Sample <processor> & "co"',
  cores: 2,
  memoryBytes: 8 * 2 ** 30,
  platform: 'linux x64',
  node: 'v20.0.0',
  loadAverage: 0.05,
  bareSyncP50Us: 217.29,
  bareSyncP99Us: 327.15,
};

const RATES = { sequential: 501_130, 'async-wal': 1_041_800, pipelined: 1_070_500 };
export const SAMPLE_MODES = Object.keys(RATES);
export const SAMPLE_BATCHES = [1000, 10];
export const SAMPLE_ADDED_US = [0, 500];

function head(engine: string) {
  const options = { sync: true, cacheBytes: 64 * 2 ** 20 };
  const inForce = 'a loss of power: written to the log and synced before it was acknowledged';
  const mode = engine === 'manifold' ? 'pipelined' : 'default';
  return { engine, version: '1.2.3', mode, options, durability: 'immediate', inForce, rounds: 5 };
}

function ladderRows(batchOps: number, addedSyncLatencyUs: number) {
  const common = { workload: 'seed', durability: 'immediate', batchOps, addedSyncLatencyUs };
  const ours = Object.entries(RATES).map(([mode, rate], rung) => ({
    engine: 'manifold',
    mode,
    ...common,
    opsPerSecond: rate,
    opsPerSecondMin: rate * 0.95,
    opsPerSecondMax: rate * 1.06,
    p50Us: 7000,
    p99Us: 15_000,
    idealOpsPerSecond: rate / (0.9 - rung / 20),
    efficiency: 0.9 - rung / 20,
  }));
  if (addedSyncLatencyUs > 0) return ours;
  const figures = { opsPerSecond: 814_830, opsPerSecondMin: 8e5, opsPerSecondMax: 8.3e5 };
  return [...ours, { ...head('lmdb'), ...common, ...figures, efficiency: null }];
}

const conditions = SAMPLE_ADDED_US.flatMap((addedSyncLatencyUs) => {
  return SAMPLE_BATCHES.map((batchOps) => ({ batchOps, addedSyncLatencyUs }));
});

export const LADDER = {
  suite: 'ladder',
  machine: MACHINE,
  runs: conditions.flatMap(({ batchOps, addedSyncLatencyUs }) => {
    return ladderRows(batchOps, addedSyncLatencyUs);
  }),
  ratios: conditions.map((condition, index) => ({
    what: 'pipelined / sequential',
    ...condition,
    ratio: 2.136 + index,
    rounds: { min: 2 + index, median: 2.136 + index, max: 2.4 + index },
  })),
};

export const COMMITS = {
  suite: 'commits',
  machine: MACHINE,
  runs: [1, 256].flatMap((depth) => {
    return ['manifold', 'lmdb', 'better-sqlite3'].map((engine, index) => ({
      ...head(engine),
      kind: 'put',
      depth,
      commitsPerSecond: 4000 / (1 + index),
      p50Us: 231.4 * depth ** 0.5 * (1 + index),
      p99Us: 640 * depth ** 0.5 * (1 + index),
      p999Us: 4200 * depth ** 0.5 * (1 + index),
    }));
  }),
  ratios: [
    {
      what: 'pipelined / lmdb',
      depth: 256,
      figure: 'commitsPerSecond',
      ratio: 1.47,
      rounds: { min: 1.4, max: 1.55 },
    },
    {
      what: 'pipelined / better-sqlite3',
      depth: 1,
      figure: 'p50Us',
      ratio: 0.713,
      rounds: { min: 0.7, max: 0.72 },
    },
  ],
  skipped: [{ engine: 'rocksdb', why: 'no binary for this platform' }],
};

export const LOAD = {
  suite: 'load',
  machine: MACHINE,
  runs: ['manifold', 'lmdb'].map((engine, index) => ({
    ...head(engine),
    entries: 1e6,
    entriesPerSecond: 380_000 / (1 + index),
    series: Array.from({ length: 30 }, (_, i) => ({
      atMs: (i + 1) * 250,
      entriesPerSecond: 400_000 - index * 150_000 - (i % 5) * 9000,
    })),
  })),
};
