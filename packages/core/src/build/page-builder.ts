/**
 * Builder of page diffs, for the modes without a write buffer, and for the commits that are too
 * large for one: every operation changes the copy-on-write trees at once. Main thread.
 */
import type { Families, FamilyEntry } from '../families.js';
import { FamilyView } from '../read/index.js';
import { TransactionBuilder, type BuildMark, type ViewSource } from './builder.js';
import {
  TreeChanges,
  type BuildContext,
  type ChangesMark,
  type FamilyChange,
} from './tree-changes.js';

interface PageMark extends BuildMark {
  readonly changes: ChangesMark;
}

export class PageDiffBuilder extends TransactionBuilder<FamilyChange> {
  readonly changes: TreeChanges;
  readonly #view = new FamilyView();

  constructor(context: BuildContext, families: Families, bytesMax: number) {
    super(families, bytesMax);
    this.changes = new TreeChanges(context);
  }

  override start(source: ViewSource): void {
    super.start(source);
    this.changes.start();
  }

  protected override findChange(entry: FamilyEntry): FamilyChange | undefined {
    return this.changes.find(entry);
  }

  protected override existsBefore(entry: FamilyEntry): boolean {
    return this.source(entry, this.#view);
  }

  protected override addChange(entry: FamilyEntry, isCreated: boolean): FamilyChange {
    this.#view.clear();
    if (!isCreated) this.source(entry, this.#view);
    return this.changes.add(entry, this.#view.root, isCreated);
  }

  protected override touched(): readonly FamilyChange[] {
    return this.changes.families;
  }

  protected override forget(): void {
    this.changes.families = [];
  }

  protected override applyPut(
    change: FamilyChange,
    keyAt: number,
    keyBytes: number,
    valueAt: number,
    valueBytes: number,
  ): void {
    const { bytes } = this.staging;
    this.changes.openFor(valueBytes);
    change.writer.put(bytes, keyAt, keyBytes, bytes, valueAt, valueBytes);
  }

  protected override applyDelete(change: FamilyChange, keyAt: number, keyBytes: number): boolean {
    this.changes.open();
    return change.writer.delete(this.staging.bytes, keyAt, keyBytes);
  }

  protected override applyClear(
    change: FamilyChange,
    low: Uint8Array | undefined,
    high: Uint8Array | undefined,
  ): boolean {
    this.changes.open();
    return change.writer.deleteRange(low, high) > 0;
  }

  protected override applyDrop(change: FamilyChange): void {
    this.changes.drop(change);
  }

  override readView(entry: FamilyEntry, view: FamilyView): void {
    const change = this.changes.find(entry);
    if (change === undefined) {
      if (!this.source(entry, view)) view.clear();
      return;
    }
    view.showTree();
    this.changes.readRoot(change, view.root);
  }

  override freeze(): void {
    this.changes.freeze();
  }

  override follow(_entry: FamilyEntry, view: FamilyView): () => FamilyView {
    return () => view;
  }

  override pause(): void {
    this.changes.pause();
  }

  override mark(): PageMark {
    return { ...super.mark(), changes: this.changes.mark() };
  }

  override rollBackTo(mark: PageMark): void {
    this.changes.rollBackTo(mark.changes);
    super.rollBackTo(mark);
  }

  override abort(): void {
    this.changes.abort();
    super.abort();
  }
}
