/** Content of a record's word `index`, recognisable for every sequence and position. */
export function patternWord(sequence, index) {
  const low = sequence | 0;
  const high = Math.floor(sequence / 0x100000000);
  return Math.imul(low ^ Math.imul(index + 1, 0x9e3779b1), 0x85ebca6b) ^ high;
}

/** A small deterministic generator; returns integers below `bound`. */
export function newRandom(seed) {
  let state = seed | 0;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) % bound;
  };
}
