/** Reads sealed write buffers: each one whole, and what is in it is what its commits put there. */
import { parentPort, workerData } from 'node:worker_threads';
import {
  BufferCursor,
  BufferFind,
  BufferHit,
  BufferMergeWalk,
  WriteBuffer,
  hashKey,
} from '../../dist/index.js';

const { blocks, control, rounds, familyId } = workerData;
const buffers = blocks.map((block) => new WriteBuffer(block));
const cursor = new BufferCursor();
const walk = new BufferMergeWalk();
const hit = new BufferHit();
const key = Buffer.alloc(8);

function check(isRight, what) {
  if (!isRight) throw new Error(what);
}

/** Every value is the sequence of its commit, 8 bytes; a commit puts one key and deletes one. */
function checkEntry(bytes, keyOffset, isDeleted, valueOffset, last) {
  const number = bytes.readBigUInt64BE(keyOffset);
  if (isDeleted) return;
  const sequence = bytes.readBigUInt64LE(valueOffset);
  check(
    sequence <= BigInt(last) && sequence % 64n === number % 64n,
    `a foreign value: ${sequence}`,
  );
}

function readAll(buffer) {
  const last = buffer.lastSequence;
  let shown = 0;
  cursor.reset(buffer, familyId, last);
  for (let there = cursor.seekFirst(); there; there = cursor.next()) {
    checkEntry(buffer.bytes, cursor.keyOffset, cursor.isDeleted, cursor.valueOffset, last);
    buffer.bytes.copy(key, 0, cursor.keyOffset, cursor.keyOffset + 8);
    const found = buffer.find(familyId, key, 8, hashKey(familyId, key, 0, 8), last, hit);
    check(found === (cursor.isDeleted ? BufferFind.DELETED : BufferFind.VALUE), 'two answers');
    shown += 1;
  }
  let merged = 0;
  walk.reset(buffer, buffer.firstSequence - 1, last);
  check(walk.nextFamily() && walk.familyId === familyId, 'a foreign family');
  while (walk.nextEntry()) merged += 1;
  check(shown === merged && shown > 0, `${shown} shown, ${merged} merged`);
  check(
    buffer.lastSequence - buffer.firstSequence + 1 === buffer.commitCount,
    'commits are missing',
  );
  return buffer.commitCount;
}

let commits = 0;
let last = 0;
for (let round = 0; round < rounds; round++) {
  // Word 0: generations sealed; word 1: generations read.
  while (Atomics.load(control, 0) === round) Atomics.wait(control, 0, round);
  const buffer = buffers[round % buffers.length];
  check(buffer.firstSequence === last + 1, 'a generation follows the one before');
  last = buffer.lastSequence;
  commits += readAll(buffer);
  Atomics.store(control, 1, round + 1);
  Atomics.notify(control, 1);
}
parentPort.postMessage({ commits, last });
