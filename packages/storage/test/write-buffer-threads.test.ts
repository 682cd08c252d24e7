/**
 * One thread fills generations of the write buffer, seals them and uses them again once they were
 * read; another one reads the sealed ones.
 */
import { describe, expect, it } from 'vitest';
import {
  MIB,
  OperationKind,
  WriteBuffer,
  operationBytes,
  operationKeyOffset,
  operationValueOffset,
  writeOperationHeader,
} from '@manifold-db/storage';
import { runThreads } from './threads/run-threads.js';

const GENERATIONS = 2;
const ROUNDS = 12;
const FAMILY = 7;
const KEY_BYTES = 8;
const VALUE_BYTES = 8;

describe('a sealed write buffer', () => {
  it('is read by another thread', async () => {
    const blocks = Array.from({ length: GENERATIONS }, () => new SharedArrayBuffer(MIB));
    const control = new Int32Array(new SharedArrayBuffer(8));
    const buffers = blocks.map((block) => new WriteBuffer(block));
    const putBytes = operationBytes(KEY_BYTES, VALUE_BYTES);
    const end = putBytes + operationBytes(KEY_BYTES, 0);
    const payload = Buffer.from(new ArrayBuffer(end));
    const words = new Int32Array(payload.buffer);

    function build(sequence: number): void {
      const { PUT, DELETE } = OperationKind;
      writeOperationHeader(words, 0, PUT, 0, FAMILY, KEY_BYTES, VALUE_BYTES);
      payload.writeBigUInt64LE(BigInt(sequence), operationValueOffset(0));
      // 5 is odd, so the number of the key tells the sequence mod 64.
      const number = BigInt((sequence % 64) + 64 * ((sequence * 5) % 900));
      payload.writeBigUInt64BE(number, operationKeyOffset(0, VALUE_BYTES));
      writeOperationHeader(words, putBytes >> 2, DELETE, 0, FAMILY, KEY_BYTES, 0);
      payload.writeBigUInt64BE(BigInt((sequence * 11) % 4000), operationKeyOffset(putBytes, 0));
    }

    async function fill(): Promise<number> {
      let sequence = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const buffer = buffers[round % GENERATIONS];
        for (;;) {
          const read = Atomics.load(control, 1);
          if (read > round - GENERATIONS) break;
          const waiting = Atomics.waitAsync(control, 1, read);
          if (waiting.async) await waiting.value;
        }
        buffer.reset();
        while (buffer.hasRoom(end, 2, 0)) {
          sequence += 1;
          build(sequence);
          buffer.add(payload, words, 0, end, sequence, () => 0);
        }
        Atomics.store(control, 0, round + 1);
        Atomics.notify(control, 0);
      }
      return sequence;
    }

    const reading = runThreads([
      {
        file: 'write-buffer-reader.mjs',
        data: { blocks, control, rounds: ROUNDS, familyId: FAMILY },
      },
    ]);
    const [[result], sequence] = await Promise.all([reading, fill()]);
    expect(result).toEqual({ commits: sequence, last: sequence });
  });
});
