/** Keys, values and ranges as bytes. */
export {
  KEY_ENCODE_ROOM,
  encodeKey,
  encodeSuccessor,
  encodeValue,
  writeOwn,
  type KeyEncoding,
  type ValueEncoding,
} from './encoding.js';
export { copyOut } from './bytes.js';
export { describe } from './describe.js';
export { bufferKeys, keyEncodingOf, utf8Keys } from './keys.js';
export { ORDERED_DEPTH_MAX, orderedKeys } from './ordered.js';
export { bufferValues, jsonValues, msgpackValues, utf8Values, valueEncodingOf } from './values.js';
export {
  NO_LIMIT,
  encodeBounds,
  encodeRange,
  nextPrefix,
  type ByteBounds,
  type ByteRange,
} from './bounds.js';
