import {
  FRAMES_DIRTY,
  LOG_PREPARED_SEGMENT,
  attachShared,
  createSharedBuffers,
} from '@manifold-db/storage';
import { describe, expect, it } from 'vitest';
import type { Engine } from '../engine.js';
import { checkOpenOptions, sharedSizes } from '../options/index.js';
import { Admission } from './admission.js';

const FRAMES = 100;

function newAdmission() {
  const { options } = checkOpenOptions({});
  const shared = attachShared(createSharedBuffers(sharedSizes(options)));
  const pager = {
    frameCount: () => FRAMES,
    dirtyFrames: () => Atomics.load(shared.pagesControl, FRAMES_DIRTY),
  };
  const state = { privatePages: 0, checkpoints: 0 };
  const engine = {
    shared,
    pager,
    options,
    requestCheckpoint: () => state.checkpoints++,
    privatePageCount: () => state.privatePages,
  } as unknown as Engine;
  const backlog = { isBusy: false, pendingCount: 0, hasQueueRoom: () => true };
  return { admission: new Admission(engine, backlog), shared, backlog, state };
}

describe('memory full of changes', () => {
  it('closes, unless they are those of running transactions', () => {
    const { admission, shared, state } = newAdmission();
    Atomics.store(shared.pagesControl, FRAMES_DIRTY, 75);
    state.privatePages = 4;
    expect(admission.isOpen()).toBe(false);
    expect(state.checkpoints).toBe(1);
    state.privatePages = 5;
    expect(admission.isOpen()).toBe(true);
    expect(state.checkpoints).toBe(1);
  });
});

describe('what an operation waits for', () => {
  it('is noticed when it came between the attempt in vain and the next operation', () => {
    const { admission, shared } = newAdmission();
    admission.beginAttempt();
    // The append finds no log space; before anyone listens to the bell, another thread makes some.
    Atomics.add(shared.logSpace, LOG_PREPARED_SEGMENT, 1);
    admission.countWait('AppendWal');
    admission.enter(100);
    expect(admission.hasMoved()).toBe(true);
  });

  it('is noticed when it came between a look at the limits and the wait', () => {
    const { admission, shared } = newAdmission();
    Atomics.store(shared.pagesControl, FRAMES_DIRTY, FRAMES);
    expect(admission.isOpen()).toBe(false);
    Atomics.store(shared.pagesControl, FRAMES_DIRTY, 0);
    admission.enter(100);
    expect(admission.hasMoved()).toBe(true);
  });

  it('is noticed when a read has ended it, which rings no bell', () => {
    const { admission, backlog } = newAdmission();
    backlog.isBusy = true;
    expect(admission.isOpen()).toBe(false);
    backlog.isBusy = false;
    admission.enter(100);
    expect(admission.hasMoved()).toBe(true);
  });

  it('is reported once, and not at all when nothing changed', () => {
    const { admission, shared } = newAdmission();
    admission.beginAttempt();
    admission.countWait('AppendWal');
    admission.enter(100);
    expect(admission.hasMoved()).toBe(false);
    Atomics.add(shared.logSpace, LOG_PREPARED_SEGMENT, 1);
    expect([admission.hasMoved(), admission.hasMoved()]).toEqual([true, false]);
  });
});
