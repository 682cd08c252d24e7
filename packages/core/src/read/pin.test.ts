import { expect, it } from 'vitest';
import type { ReadContext } from './context.js';
import { keepsTree } from './pin.js';
import { FamilyView } from './view.js';

it('pages of a tree are kept until the version moves on to another, or may not be read', () => {
  const view = new FamilyView();
  view.root.page = 7;
  view.root.birth = 70;
  let isOver = false;
  const assertReadable = (): void => {
    if (isOver) throw new Error('it is over');
  };
  const source = { view: () => view, release: () => {} };
  const isKept = keepsTree({ assertReadable } as unknown as ReadContext, source);
  expect(isKept()).toBe(true);
  // The same number again, for another page.
  view.root.birth = 71;
  expect(isKept()).toBe(false);
  view.root.birth = 70;
  expect(isKept()).toBe(true);
  isOver = true;
  expect(isKept()).toBe(false);
});
