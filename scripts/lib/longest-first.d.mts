/** For `vitest.config.ts`, which the compiler checks. */
import type { TestSequencerConstructor } from 'vitest/node';

export declare const LongestFirst: TestSequencerConstructor;
