import { describe, expect, it } from 'vitest';
import { createTestPager } from '../pages/test-pager.js';
import { TreeCursor } from './tree-cursor.js';
import { TestTree, seededRandom } from './testing/history.js';

const text = (s: string): Uint8Array => new TextEncoder().encode(s);

describe('quick', () => {
  it('fuzz', () => {
    for (let seed = 1; seed < 12; seed++) {
      const random = seededRandom(seed);
      const tree = new TestTree(createTestPager({ cacheBytes: 32 << 20 }));
      for (let batch = 0; batch < 12; batch++) {
        tree.begin();
        const kind = Math.floor(random() * 4);
        for (let i = 0; i < 300; i++) {
          const n = Math.floor(random() * 2000);
          const key = kind === 0 ? text(`key:${String(n).padStart(10, '0')}`) : kind === 1 ? text(`${n}`.repeat(1 + (n % 60))) : kind === 2 ? text(`k${batch}:${String(i).padStart(4, '0')}`) : text('x'.repeat(n % 1000) + n);
          const r = random();
          if (r < 0.6) tree.put(key, new Uint8Array(random() < 0.05 ? Math.floor(random() * 30000) : Math.floor(random() * 300)).fill(n));
          else if (r < 0.97) tree.delete(key);
          else {
            const other = text(`key:${String(n + 100).padStart(10, '0')}`);
            tree.deleteRange(key, other);
          }
        }
        tree.commit();
        try { tree.check(); } catch (e) { throw new Error(`seed ${seed} batch ${batch} ${(e as Error).stack}`); }
        tree.pager.beginOperation();
        const c = new TreeCursor(tree.pager);
        const buf = new Uint8Array(1100);
        let i = 0;
        for (let ok = c.seekFirst(tree.root); ok; ok = c.next()) {
          const n = c.copyKey(buf, 0);
          expect(Buffer.compare(buf.subarray(0, n), tree.oracle.entries[i]!.key)).toBe(0);
          i++;
        }
        expect(i).toBe(tree.oracle.size);
        tree.pager.endOperation();
      }
    }
  });
});
