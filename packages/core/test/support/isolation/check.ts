/**
 * Looks for what no serial order of the transactions explains, as Elle does (K. Kingsbury and P.
 * Alvaro, "Elle: Inferring Isolation Anomalies from Experimental Observations", VLDB 2020): the
 * lists give the order of the versions of a key, that gives the dependencies between transactions,
 * and a cycle of those is an anomaly. Names of the anomalies: A. Adya, "Weak Consistency", 1999.
 */
import type { TransactionRecord } from './history.js';

const Dependency = {
  /** Overwrites what the other one wrote. */
  WW: 1,
  /** Has read what the other one wrote. */
  WR: 2,
  /** Overwrites what the other one has read. */
  RW: 4,
} as const;
const WRITES_AND_READS = Dependency.WW | Dependency.WR;
const ALL = WRITES_AND_READS | Dependency.RW;

interface Edge {
  readonly to: number;
  readonly kind: number;
}

class Graph {
  readonly edges: Edge[][];

  constructor(size: number) {
    this.edges = Array.from({ length: size }, () => []);
  }

  add(from: number | undefined, to: number | undefined, kind: number): void {
    if (from !== undefined && to !== undefined && from !== to) this.edges[from]!.push({ to, kind });
  }

  /** Transactions of which each is reached from each other one over edges of the kinds. */
  components(kinds: number): number[][] {
    return new Components(this.edges, kinds).found;
  }

  reaches(from: number, to: number, kinds: number): boolean {
    const seen = new Set([from]);
    const waiting = [from];
    for (;;) {
      const at = waiting.pop();
      if (at === undefined) return false;
      if (at === to) return true;
      for (const edge of this.edges[at]!) {
        if ((edge.kind & kinds) === 0 || seen.has(edge.to)) continue;
        seen.add(edge.to);
        waiting.push(edge.to);
      }
    }
  }
}

/** Strongly connected components of more than one transaction (Tarjan 1972, without recursion). */
class Components {
  readonly found: number[][] = [];
  readonly #edges: readonly (readonly Edge[])[];
  readonly #index: Int32Array;
  readonly #low: Int32Array;
  readonly #isOpen: Uint8Array;
  readonly #open: number[] = [];
  #next = 1;

  constructor(edges: readonly (readonly Edge[])[], kinds: number) {
    this.#edges = edges.map((some) => some.filter(({ kind }) => (kind & kinds) !== 0));
    this.#index = new Int32Array(edges.length);
    this.#low = new Int32Array(edges.length);
    this.#isOpen = new Uint8Array(edges.length);
    for (let at = 0; at < edges.length; at++) if (this.#index[at] === 0) this.#visit(at);
  }

  #enter(at: number, path: { at: number; edge: number }[]): void {
    this.#index[at] = this.#next;
    this.#low[at] = this.#next++;
    this.#isOpen[at] = 1;
    this.#open.push(at);
    path.push({ at, edge: 0 });
  }

  #visit(start: number): void {
    const low = this.#low;
    const path: { at: number; edge: number }[] = [];
    this.#enter(start, path);
    for (let step = path.at(-1); step !== undefined; step = path.at(-1)) {
      const edge = this.#edges[step.at]![step.edge++];
      if (edge !== undefined) {
        if (this.#index[edge.to] === 0) this.#enter(edge.to, path);
        else if (this.#isOpen[edge.to] === 1) {
          low[step.at] = Math.min(low[step.at]!, this.#index[edge.to]!);
        }
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) low[parent.at] = Math.min(low[parent.at]!, low[step.at]!);
      if (low[step.at] === this.#index[step.at]) this.#close(step.at);
    }
  }

  #close(root: number): void {
    const members: number[] = [];
    for (let at = -1; at !== root;) {
      at = this.#open.pop()!;
      this.#isOpen[at] = 0;
      members.push(at);
    }
    if (members.length > 1) this.found.push(members);
  }
}

function isPrefix(list: readonly number[], whole: readonly number[]): boolean {
  return list.length <= whole.length && list.every((element, i) => element === whole[i]);
}

class Checker {
  readonly problems: string[] = [];
  readonly #records: readonly TransactionRecord[];
  /** Element to the transaction that appended it. */
  readonly #writers = new Map<number, number>();
  /** The longest list that was read of each key: the order of its versions. */
  readonly #orders = new Map<string, readonly number[]>();

  constructor(records: readonly TransactionRecord[]) {
    this.#records = records;
    for (const [at, { appends }] of records.entries()) {
      for (const { element } of appends) this.#writers.set(element, at);
    }
  }

  check(): void {
    this.#orderVersions();
    this.#checkReads();
    if (this.problems.length === 0) this.#findCycles(this.#dependencies());
  }

  #committedReads() {
    return this.#records.flatMap((record, at) => {
      return record.isCommitted ? record.reads.map((read) => ({ ...read, at })) : [];
    });
  }

  #orderVersions(): void {
    for (const { key, list } of this.#committedReads()) {
      if (list.length > (this.#orders.get(key)?.length ?? -1)) this.#orders.set(key, list);
    }
  }

  #checkReads(): void {
    for (const { key, list, at } of this.#committedReads()) {
      const what = `${this.#name(at)} read ${key} as ${list.slice(-4).join()}`;
      if (!isPrefix(list, this.#orders.get(key)!)) {
        this.problems.push(`incompatible order: ${what}`);
      }
      for (const element of list) this.#checkElement(key, element, what);
      const newest = this.#writers.get(list.at(-1) ?? -1);
      if (newest === undefined) continue;
      const own = this.#records[newest]!.appends.filter((append) => append.key === key);
      if (own.at(-1)?.element !== list.at(-1)) this.problems.push(`G1b, half of one: ${what}`);
    }
  }

  #checkElement(key: string, element: number, what: string): void {
    const writer = this.#writers.get(element);
    if (writer === undefined) this.problems.push(`from nowhere, ${element}: ${what}`);
    else if (!this.#records[writer]!.isCommitted) {
      this.problems.push(`G1a, ${element} was rolled back: ${what}`);
    } else if (!this.#records[writer]!.appends.some((append) => append.key === key)) {
      this.problems.push(`from another key, ${element}: ${what}`);
    }
  }

  #dependencies(): Graph {
    const graph = new Graph(this.#records.length);
    for (const order of this.#orders.values()) {
      for (let i = 1; i < order.length; i++) {
        const [before, after] = [order[i - 1]!, order[i]!].map((of) => this.#writers.get(of));
        graph.add(before, after, Dependency.WW);
      }
    }
    for (const { key, list, at } of this.#committedReads()) {
      graph.add(this.#writers.get(list.at(-1) ?? -1), at, Dependency.WR);
      const next = this.#orders.get(key)![list.length];
      if (next !== undefined) graph.add(at, this.#writers.get(next), Dependency.RW);
    }
    this.#findLost(graph);
    return graph;
  }

  /** What was committed is in the last reading of its list. */
  #findLost(graph: Graph): void {
    for (const [at, { isCommitted, appends }] of this.#records.entries()) {
      if (!isCommitted) continue;
      for (const { key, element } of appends) {
        const order = this.#orders.get(key);
        if (order?.includes(element) === true) continue;
        this.problems.push(`lost: ${element} of ${this.#name(at)} is not in ${key}`);
        graph.edges[at]!.length = 0;
      }
    }
  }

  #findCycles(graph: Graph): void {
    const [writes] = graph.components(Dependency.WW);
    if (writes !== undefined) return this.#cycle('G0, writes in a circle', writes);
    const [reads] = graph.components(WRITES_AND_READS);
    if (reads !== undefined) return this.#cycle('G1c, information in a circle', reads);
    const [members] = graph.components(ALL);
    if (members === undefined) return;
    const inside = new Set(members);
    const isSingle = members.some((from) => {
      return graph.edges[from]!.some(({ to, kind }) => {
        const isInside = kind === Dependency.RW && inside.has(to);
        return isInside && graph.reaches(to, from, WRITES_AND_READS);
      });
    });
    this.#cycle(isSingle ? 'G-single, a skewed read' : 'G2, a skewed write', members);
  }

  #cycle(what: string, members: readonly number[]): void {
    const names = members.slice(0, 4).map((at) => this.#name(at));
    this.problems.push(`${what}: ${names.join('; ')}`);
  }

  #name(at: number): string {
    const { kind, appends } = this.#records[at]!;
    const written = appends.map(({ key, element }) => `${element} to ${key}`).join(', ');
    return `${kind} ${at} (${written || 'no writes'})`;
  }
}

/** What is wrong with a history whose lists were all read once more at its end. */
export function isolationProblems(records: readonly TransactionRecord[]): string[] {
  const checker = new Checker(records);
  checker.check();
  return checker.problems;
}
