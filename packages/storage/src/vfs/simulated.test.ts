import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { errnoOf } from '../errors.js';
import { SimulatedDisk, type ReadPlace } from './simulated.js';
import type { Vfs, VfsFile } from './vfs.js';

/** A disk with a durable, empty directory /db. */
function newDisk(): { disk: SimulatedDisk; vfs: Vfs } {
  const disk = new SimulatedDisk();
  const vfs = disk.vfs();
  vfs.makeDirectory('/db');
  vfs.syncDirectory('/');
  return { disk, vfs };
}

function put(file: VfsFile, text: string, offset: number): void {
  file.write([Buffer.from(text)], offset);
}

function textOf(disk: SimulatedDisk, path: string): string | undefined {
  const vfs = disk.vfs();
  if (!vfs.exists(path)) return undefined;
  const file = vfs.open(path, 'read');
  const bytes = Buffer.alloc(file.size());
  expect(file.read(bytes, 0)).toBe(bytes.length);
  return bytes.toString();
}

/** Small seeded generator (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

describe('durability of content', () => {
  it('loses what was not synced and keeps what was', () => {
    const { disk, vfs } = newDisk();
    const file = vfs.open('/db/a', 'create');
    vfs.syncDirectory('/db');
    put(file, 'one', 0);
    expect(textOf(disk.crash({ keep: 'none' }), '/db/a')).toBe('');
    file.dataSync();
    put(file, 'two', 3);
    expect(textOf(disk, '/db/a')).toBe('onetwo');
    expect(textOf(disk.crash({ keep: 'none' }), '/db/a')).toBe('one');
    expect(textOf(disk.crash({ keep: 'all' }), '/db/a')).toBe('onetwo');
  });

  it('drops and keeps single writes, leaving zeros in the gap', () => {
    const { disk, vfs } = newDisk();
    const file = vfs.open('/db/a', 'create');
    vfs.syncDirectory('/db');
    put(file, 'aa', 0);
    put(file, 'bb', 2);
    put(file, 'cc', 4);
    expect(disk.pendingWrites().map((write) => write.description)).toEqual([
      'write /db/a 0+2',
      'write /db/a 2+2',
      'write /db/a 4+2',
    ]);
    expect(textOf(disk.crash({ dropWrite: 1 }), '/db/a')).toBe('aa\0\0cc');
    expect(textOf(disk.crash({ keepOnly: 2 }), '/db/a')).toBe('\0\0\0\0cc');
  });

  it('syncs one file without another', () => {
    const { disk, vfs } = newDisk();
    const a = vfs.open('/db/a', 'create');
    const b = vfs.open('/db/b', 'create');
    vfs.syncDirectory('/db');
    put(a, 'a', 0);
    put(b, 'b', 0);
    b.sync();
    const crashed = disk.crash({ keep: 'none' });
    expect([textOf(crashed, '/db/a'), textOf(crashed, '/db/b')]).toEqual(['', 'b']);
  });

  it('treats a truncate like a write', () => {
    const { disk, vfs } = newDisk();
    const file = vfs.open('/db/a', 'create');
    vfs.syncDirectory('/db');
    put(file, 'abcdef', 0);
    file.sync();
    file.truncate(2);
    file.truncate(4);
    expect(textOf(disk, '/db/a')).toBe('ab\0\0');
    expect(textOf(disk.crash({ keep: 'none' }), '/db/a')).toBe('abcdef');
    expect(textOf(disk.crash({ keepOnly: 1 }), '/db/a')).toBe('abcd');
    file.sync();
    expect(textOf(disk.crash({ keep: 'none' }), '/db/a')).toBe('ab\0\0');
  });

  it('tears writes at 512-byte boundaries only', () => {
    const { disk, vfs } = newDisk();
    const file = vfs.open('/db/a', 'create');
    file.truncate(4096);
    file.sync();
    vfs.syncDirectory('/db');
    file.write([new Uint8Array(2000).fill(1)], 100);
    const lengths = new Set<number>();
    for (let seed = 0; seed < 200; seed += 1) {
      const text = textOf(disk.crash({ random: seeded(seed) }), '/db/a') as string;
      const first = text.indexOf('\x01');
      const last = text.lastIndexOf('\x01');
      const bytes = first < 0 ? 0 : last - first + 1;
      expect(first < 0 || first === 100 || first % 512 === 0).toBe(true);
      expect(first < 0 || last === 2099 || (last + 1) % 512 === 0).toBe(true);
      lengths.add(bytes);
    }
    expect(lengths.has(0) && lengths.has(2000)).toBe(true);
    expect(lengths.size).toBeGreaterThan(5);
  });
});

describe('a sync that fails', () => {
  function withLost(survives: () => boolean) {
    const { disk, vfs } = newDisk();
    const file = vfs.open('/db/a', 'create');
    vfs.syncDirectory('/db');
    put(file, 'aabb', 0);
    file.sync();
    put(file, 'cc', 0);
    put(file, 'dd', 2);
    disk.failSync('/db/a', survives);
    return { disk, file };
  }

  it('takes what was written out of the reach of the next one', () => {
    const { disk, file } = withLost(() => false);
    expect(textOf(disk, '/db/a')).toBe('ccdd');
    file.sync();
    expect(textOf(disk, '/db/a')).toBe('ccdd');
    for (const keep of ['none', 'all'] as const) {
      expect(textOf(disk.crash({ keep }), '/db/a')).toBe('aabb');
    }
    expect(textOf(disk.snapshot().crash({ keep: 'all' }), '/db/a')).toBe('aabb');
  });

  it('leaves what is written once more to the next one', () => {
    const { disk, file } = withLost(() => false);
    put(file, 'dd', 2);
    expect(textOf(disk.crash({ keep: 'none' }), '/db/a')).toBe('aabb');
    file.sync();
    expect(textOf(disk.crash({ keep: 'none' }), '/db/a')).toBe('aadd');
    put(file, 'cc', 0);
    file.sync();
    expect(textOf(disk.crash({ keep: 'none' }), '/db/a')).toBe('ccdd');
  });

  it('may have reached the disk in part', () => {
    let writes = 0;
    const { disk } = withLost(() => writes++ === 1);
    expect(textOf(disk.crash({ keep: 'none' }), '/db/a')).toBe('aadd');
  });

  it('keeps a new size for the next one', () => {
    const { disk, vfs } = newDisk();
    const file = vfs.open('/db/a', 'create');
    vfs.syncDirectory('/db');
    file.truncate(3);
    disk.failSync('/db/a', () => false);
    expect(textOf(disk.crash({ keep: 'none' }), '/db/a')).toBe('');
    file.sync();
    expect(textOf(disk.crash({ keep: 'none' }), '/db/a')).toBe('\0\0\0');
  });
});

describe('durability of names', () => {
  it('needs a directory sync for a creation, whatever was synced in the file', () => {
    const { disk, vfs } = newDisk();
    const file = vfs.open('/db/a', 'create');
    put(file, 'x', 0);
    file.sync();
    expect(textOf(disk.crash({ keep: 'none' }), '/db/a')).toBeUndefined();
    vfs.syncDirectory('/db');
    expect(textOf(disk.crash({ keep: 'none' }), '/db/a')).toBe('x');
  });

  it('renames whole or not at all, and lets a removal come undone', () => {
    const { disk, vfs } = newDisk();
    for (const name of ['a', 'b']) {
      const file = vfs.open(`/db/${name}`, 'create');
      put(file, name, 0);
      file.sync();
    }
    vfs.syncDirectory('/db');
    vfs.rename('/db/a', '/db/b');
    expect(disk.crash({ keep: 'none' }).vfs().list('/db')).toEqual(['a', 'b']);
    expect(textOf(disk.crash({ keep: 'all' }), '/db/b')).toBe('a');
    vfs.syncDirectory('/db');
    vfs.remove('/db/b');
    expect(textOf(disk.crash({ keep: 'none' }), '/db/b')).toBe('a');
    vfs.syncDirectory('/db');
    expect(disk.crash({ keep: 'none' }).vfs().list('/db')).toEqual([]);
  });

  it('never keeps a later change of a name without the earlier one', () => {
    const { disk, vfs } = newDisk();
    const old = vfs.open('/db/a', 'create');
    put(old, 'old', 0);
    old.sync();
    vfs.syncDirectory('/db');
    vfs.rename('/db/a', '/db/b');
    vfs.open('/db/a', 'create');
    expect(textOf(disk.crash({ keepOnly: 1 }), '/db/b')).toBe('old');
    expect(disk.crash({ dropWrite: 0 }).vfs().list('/db')).toEqual(['a']);
    expect(textOf(disk.crash({ dropWrite: 0 }), '/db/a')).toBe('old');
    for (let seed = 0; seed < 50; seed += 1) {
      const crashed = disk.crash({ random: seeded(seed) });
      const texts = [textOf(crashed, '/db/a'), textOf(crashed, '/db/b')];
      expect([
        ['old', undefined],
        [undefined, 'old'],
        ['', 'old'],
      ]).toContainEqual(texts);
    }
  });

  it('loses a directory, and what is in it, until its parent is synced', () => {
    const disk = new SimulatedDisk();
    const vfs = disk.vfs();
    vfs.makeDirectory('/a/b');
    const file = vfs.open('/a/b/c', 'create');
    file.sync();
    vfs.syncDirectory('/a/b');
    vfs.syncDirectory('/a');
    expect(disk.crash({ keep: 'none' }).vfs().list('/')).toEqual([]);
    vfs.syncDirectory('/');
    expect(disk.crash({ keep: 'none' }).vfs().exists('/a/b/c')).toBe(true);
  });
});

describe('snapshots, hooks, helpers', () => {
  it('takes snapshots that stay as they were', () => {
    const { disk, vfs } = newDisk();
    const file = vfs.open('/db/a', 'create');
    vfs.syncDirectory('/db');
    file.write([new Uint8Array(10_000).fill(65)], 0);
    const before = disk.snapshot();
    file.sync();
    put(file, 'B', 5000);
    vfs.remove('/db/a');
    vfs.syncDirectory('/db');
    expect(textOf(before, '/db/a')).toBe('A'.repeat(10_000));
    expect(textOf(before.crash({ keep: 'none' }), '/db/a')).toBe('');
    expect(textOf(before.crash({ keep: 'all' }), '/db/a')).toBe('A'.repeat(10_000));
    expect(before.pendingWrites()).toHaveLength(1);
  });

  it('keeps crash states apart from the running disk and from each other', () => {
    const { disk, vfs } = newDisk();
    const file = vfs.open('/db/a', 'create');
    put(file, 'aaaa', 0);
    file.sync();
    vfs.syncDirectory('/db');
    const one = disk.crash({ keep: 'all' });
    const two = disk.crash({ keep: 'all' });
    put(one.vfs().open('/db/a', 'read-write'), 'X', 0);
    put(file, 'Y', 1);
    expect(textOf(one, '/db/a')).toBe('Xaaa');
    expect(textOf(two, '/db/a')).toBe('aaaa');
    expect(textOf(disk, '/db/a')).toBe('aYaa');
    expect(one.vfs().identity('/db/a')).not.toBe(disk.vfs().identity('/db/a'));
  });

  it('numbers operations, and calls the hook before each', () => {
    const { disk, vfs } = newDisk();
    const start = disk.operationCount;
    const seen: string[] = [];
    disk.onOperation = (index, description) => {
      seen.push(`${index - start} ${description}`);
      if (index - start === 3) throw new Error('power off');
    };
    const file = vfs.open('/db/a', 'create');
    put(file, 'abc', 0);
    file.dataSync();
    expect(() => put(file, 'xyz', 0)).toThrow('power off');
    expect(textOf(disk, '/db/a')).toBe('abc');
    expect(seen).toEqual([
      '0 create /db/a',
      '1 write /db/a 0+3',
      '2 dataSync /db/a',
      '3 write /db/a 0+3',
    ]);
    expect(disk.operationCount - start).toBe(3);
  });

  it('flips bits durably', () => {
    const { disk, vfs } = newDisk();
    const file = vfs.open('/db/a', 'create');
    put(file, 'abc', 0);
    file.sync();
    vfs.syncDirectory('/db');
    disk.flipBit('/db/a', 1, 0);
    expect(textOf(disk, '/db/a')).toBe('acc');
    expect(textOf(disk.crash({ keep: 'none' }), '/db/a')).toBe('acc');
  });

  it('fails like a file system', () => {
    const { vfs } = newDisk();
    const code = (action: () => unknown): string | undefined => {
      try {
        action();
      } catch (error) {
        return errnoOf(error);
      }
      return undefined;
    };
    expect(code(() => vfs.open('/db/a', 'read'))).toBe('ENOENT');
    expect(code(() => vfs.open('/none/a', 'create'))).toBe('ENOENT');
    expect(code(() => vfs.remove('/db/a'))).toBe('ENOENT');
    expect(code(() => vfs.list('/none'))).toBe('ENOENT');
    const file = vfs.open('/db/a', 'create-exclusive');
    expect(code(() => vfs.open('/db/a', 'create-exclusive'))).toBe('EEXIST');
    file.close();
    expect(code(() => file.size())).toBe('EBADF');
    expect(code(() => vfs.open('/db/a', 'read').truncate(1))).toBe('EBADF');
    expect(code(() => vfs.open('/db', 'read'))).toBe('EISDIR');
  });

  it('is cheap enough for thousands of crash states', () => {
    const { disk, vfs } = newDisk();
    const file = vfs.open('/db/a', 'create');
    vfs.syncDirectory('/db');
    file.write([new Uint8Array(4 << 20).fill(7)], 0);
    file.sync();
    let survived = 0;
    for (let index = 0; index < 2000; index += 1) {
      put(file, 'zz', (index * 4096) % (4 << 20));
      survived += disk.crash({ keep: 'none' }).pendingWrites().length;
      if (index % 10 === 9) file.dataSync();
    }
    expect(survived).toBe(0);
  });
});

describe('the simulated disk against a plain model', () => {
  it('agrees with an array of bytes for random writes and truncates', () => {
    const random = seeded(7);
    const { disk, vfs } = newDisk();
    const file = vfs.open('/db/a', 'create');
    vfs.syncDirectory('/db');
    let model = Buffer.alloc(0);
    let durable = model;
    for (let step = 0; step < 400; step += 1) {
      const dice = random();
      const offset = Math.floor(random() * 12_000);
      if (dice < 0.6) {
        const data = Buffer.alloc(1 + Math.floor(random() * 6000), 1 + (step % 255));
        file.write([data.subarray(0, 100), data.subarray(100)], offset);
        const grown = Buffer.alloc(Math.max(model.length, offset + data.length));
        model.copy(grown);
        data.copy(grown, offset);
        model = grown;
      } else if (dice < 0.8) {
        file.truncate(offset);
        model = Buffer.concat([model.subarray(0, offset), Buffer.alloc(12_000)]).subarray(
          0,
          offset,
        );
      } else {
        file.dataSync();
        durable = model;
      }
      const bytes = Buffer.alloc(model.length);
      expect(file.size()).toBe(model.length);
      file.read(bytes, 0);
      expect(bytes.equals(model)).toBe(true);
    }
    expect(textOf(disk.crash({ keep: 'none' }), '/db/a')).toBe(durable.toString());
    expect(textOf(disk.crash({ keep: 'all' }), '/db/a')).toBe(model.toString());
  });

  it('keeps of every write what its fate says, and knows each content by its hash', () => {
    const random = seeded(23);
    const whole = (value: number): number => Math.floor(value);
    const disk = new SimulatedDisk();
    const file = disk.vfs().open('/file', 'create');
    disk.vfs().syncDirectory('/');
    // Pieces of zeros, and others.
    const before = Buffer.alloc(5 * 4096)
      .fill(7, 3000, 9000)
      .fill(8, 4 * 4096);
    file.write([before], 0);
    file.sync();
    const writes = Array.from({ length: 12 }, (_, i) => {
      // Of zeros, of whole pieces, of parts.
      const offset = i % 3 === 0 ? 4096 * whole(random() * 3) : whole(random() * 12_000);
      const data = Buffer.alloc(i % 3 === 0 ? 4096 : 1 + whole(random() * 6000), i % 4);
      file.write([data], offset);
      return { offset, data };
    });
    const contents = new Map<number, string>();
    for (let i = 0; i < 300; i++) {
      const expected = Buffer.from(before);
      const fates = writes.map(({ offset, data }) => {
        if (random() < 0.4) return undefined;
        const from = random() < 0.5 ? 0 : whole(random() * data.length);
        const to = random() < 0.5 ? data.length : from + whole(random() * (data.length - from));
        data.copy(expected, offset + from, from, to);
        return { from, to };
      });
      const image = disk.crash({ fates });
      const bytes = Buffer.alloc(before.length);
      image.vfs().open('/file', 'read').read(bytes, 0);
      expect(bytes.equals(expected)).toBe(true);
      const atOnce = new SimulatedDisk();
      atOnce.vfs().open('/file', 'create').write([expected], 0);
      expect(image.contentHash()).toBe(atOnce.contentHash());
      contents.set(image.contentHash(), bytes.toString('latin1'));
    }
    expect(contents.size).toBe(new Set(contents.values()).size);
  });

  it('has another hash for every content, sealed with its own CRC or not', () => {
    const hashes = new Set<number>();
    for (let i = 0; i < 200; i++) {
      const disk = new SimulatedDisk();
      const vfs = disk.vfs();
      const bytes = Buffer.alloc(4096);
      bytes.writeUInt32LE(i, 0);
      // The CRC-32 of all of it is the same whatever stands before.
      bytes.writeUInt32LE(crc32(bytes.subarray(0, 60)), 60);
      vfs.open('/file', 'create').write([bytes], 0);
      hashes.add(disk.contentHash());
    }
    expect(hashes.size).toBe(200);
  });

  it('tells which pieces are read that were there before', () => {
    const disk = new SimulatedDisk();
    const file = disk.vfs().open('/file', 'create');
    file.write([Buffer.alloc(5 * 4096, 1)], 0);
    const shape = disk.shape();
    const read: number[] = [];
    disk.observeReads(({ index }) => read.push(index));
    file.read(Buffer.alloc(10), 4090);
    expect(read).toEqual([0, 1]);
    // Written as a whole: nothing of what was there is left. In part: the rest is.
    file.write([Buffer.alloc(4096, 2)], 2 * 4096);
    file.write([Buffer.alloc(10, 2)], 3 * 4096);
    file.read(Buffer.alloc(3 * 4096), 2 * 4096);
    expect(read).toEqual([0, 1, 3, 4]);
    expect(disk.shape()).toBe(shape);
    file.write([Buffer.alloc(1)], 5 * 4096);
    expect(disk.shape()).not.toBe(shape);
  });

  it('takes the word of others for what they read', () => {
    const disk = new SimulatedDisk();
    const file = disk.vfs().open('/file', 'create');
    file.write([Buffer.alloc(3 * 4096, 1)], 0);
    const places: ReadPlace[] = [];
    disk.observeReads((place) => places.push(place));
    file.read(Buffer.alloc(1), 0);
    file.write([Buffer.alloc(4096)], 4096);
    const [{ inode }] = places;
    // One that was read already, one that is not there any more, one that is new.
    disk.noteReads([0, 1, 2].map((index) => ({ inode, index })));
    expect(places.map(({ index }) => index)).toEqual([0, 2]);
    expect(places[1]!.hash).toBe(disk.hashAt(inode, 2));
  });

  it('does not take zeros that replaced a piece for what was there before', () => {
    const disk = new SimulatedDisk();
    const file = disk.vfs().open('/file', 'create');
    file.write([Buffer.alloc(3 * 4096)], 0);
    const read: number[] = [];
    disk.observeReads(({ index }) => read.push(index));
    file.write([Buffer.alloc(4096)], 0);
    file.truncate(2 * 4096);
    file.truncate(4 * 4096);
    file.read(Buffer.alloc(4 * 4096), 0);
    // Piece 0 was replaced, piece 2 cut off; what is behind it was never there.
    expect(read).toEqual([1]);
  });
});
