/** Opens files with the whole engine, reads everything through the public API, and verifies. */
import { ManifoldError, SimulatedDisk } from '@manifold-db/storage';
import { withAllocationMeter } from '../damage/allocation-meter.js';
import { MemoryFiles, type Files } from '../damage/memory-files.js';
import { READ_ONLY, openSimulation } from '../simulator.js';
import { untypedProblem } from './fuzzer.js';

const READS_MAX = 200_000;
/** What an open takes whatever the files hold: shared memory of these options, replay's buffer. */
const FIXED_BYTES = 48 * 1024 * 1024;
const MEMORY_FACTOR_MAX = 4;
const CACHE_BYTES = 1024 * 1024;
const RAW = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;

export async function openProblem(files: Files): Promise<string | undefined> {
  const memory = new MemoryFiles(files, READS_MAX);
  const { value, bytes } = await withAllocationMeter(() => readAll(memory));
  if (value !== undefined) return value;
  if (memory.openCount > 0) return `${memory.openCount} files are left open`;
  const fileBytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
  const bytesMax = FIXED_BYTES + MEMORY_FACTOR_MAX * fileBytes;
  return bytes > bytesMax ? `${bytes} bytes of memory, at most ${bytesMax}` : undefined;
}

async function readAll({ vfs }: MemoryFiles): Promise<string | undefined> {
  const options = { ...READ_ONLY, cacheBytes: CACHE_BYTES };
  let close: () => Promise<void> = () => Promise.resolve();
  try {
    const { database, host } = await openSimulation(new SimulatedDisk(), 1, options, { vfs });
    close = () => host.run(database.close());
    await host.run(database.verify());
    for (const name of database.columnFamilies()) {
      const family = database.columnFamily<Buffer, Buffer>(name, RAW);
      for (const look of [
        () => [...family.entries()].length,
        () => [...family.keys({ reverse: true })].length,
        () => family.count({ gte: Buffer.from('key-0050') }),
        () => family.get(Buffer.from('key-0050')),
      ]) {
        try {
          look();
        } catch (error) {
          const problem = untypedProblem(error);
          if (problem !== undefined) return problem;
        }
      }
    }
    return undefined;
  } catch (error) {
    const isFull = error instanceof ManifoldError && error.code === 'ERR_MANIFOLD_FULL';
    return isFull ? undefined : untypedProblem(error);
  } finally {
    await close();
  }
}
