import { it } from 'vitest';
import { smallDatabases } from './support/damage/small-databases.js';
import { MemoryFiles } from './support/damage/memory-files.js';
import { READ_ONLY, openSimulation } from './support/simulator.js';
import { readState } from './support/history.js';
import { SimulatedDisk } from '@manifold-db/storage';
import { blocksOf } from './support/damage/shrink.js';
it('x', async () => {
  const t0 = performance.now();
  const all = await smallDatabases(20261123);
  console.log('made in', performance.now() - t0);
  for (const db of all) {
    console.log(db.name, db.bytes, 'cp', db.checkpointSequence, 'last', db.lastSequence, 'states', db.states.length - 1, [...db.files].map(([n, b]) => `${n} ${b.length} ${n.startsWith('wal') ? blocksOf(b).map((x) => `${x.header.kind}${x.header.endReason}:${x.header.lastSequence}/${x.header.syncedWatermark}`).join(' ') : ''}`));
    for (const round of [20, 200]) {
    const t = performance.now();
    for (let i = 0; i < round; i++) {
      const files = new MemoryFiles(db.files, Infinity, true);
      const { database, host } = await openSimulation(new SimulatedDisk(), 1, READ_ONLY, { vfs: files.vfs });
      if (i === 0) { const s = readState(database); const w = db.states[database.lastCommitted]!; console.log('same', JSON.stringify(s) === JSON.stringify(w), s.length, files.reads, files.peakBytes); }
      else if (i%2) readState(database);
      await host.run(database.close());
    }
    console.log(round, 'ms per open', (performance.now() - t) / round);
    }
  }
});
