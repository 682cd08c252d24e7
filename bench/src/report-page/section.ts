/** A part of the page, or the reason why it is not there. */
import type { Markup } from './markup.js';

export interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Markup;
}

export interface MissingPart {
  readonly title: string;
  readonly why: string;
  /** What brings it. */
  readonly command: string;
}

export function commandFor(suite: string): string {
  return `npm run -s bench -- ${suite} --json`;
}
