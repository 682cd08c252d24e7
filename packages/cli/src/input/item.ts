/**
 * What readers of input formats hand on, and how they complain.
 */
import { CommandFailure } from '../failure.js';

/** One record of the input: its text, and its value when the format has values. */
export interface Item {
  /** What is stored: a JSON string's content, or the JSON text of anything else, or a line. */
  readonly text: string;
  /** The parsed JSON value or CSV row; `undefined` for plain lines. */
  readonly value: unknown;
}

/** Longest record; one JavaScript string holds twice that. */
export const RECORD_BYTES_MAX = 256 * 1024 * 1024;

/** The input does not have the format it should have; `place` says where. */
export function inputFailure(place: string, what: string): CommandFailure {
  return new CommandFailure(`${place}: ${what}`);
}

export function tooLong(place: string): CommandFailure {
  return inputFailure(place, `the record is longer than ${RECORD_BYTES_MAX} bytes`);
}
