/**
 * Lists of numbers, however deep, of which each level is of one size: a piece of the bytes after the other, as long as
 * they may be. See `src/plugins/json-numbers.ts`.
 */
import { body, mostAxes, mostNumbers, numbers, shape, sizes } from './memory';
import { numberEnd, readNumber } from './number';

const comma: i32 = 0x2c;
const openList: i32 = 0x5b;
const closeList: i32 = 0x5d;

/** No number of a piece that is not the last is read from so near to its end: more of it may follow. */
const longest: i32 = 512;

const inMore: i32 = 0;
const atEnd: i32 = 1;
const left: i32 = -1;

let axes: i32 = 0;
let depth: i32 = 0;
/** Whether a number was met, from where on the depth is known. */
let settled: bool = false;
/** Whether the last thing was a number or a list, not a comma or the beginning. */
let behind: bool = false;
let count: i32 = 0;
let consumed: i32 = 0;

export function beginList(): void {
  axes = 0;
  depth = 0;
  settled = false;
  behind = false;
}
export function countAxes(): i32 {
  return axes;
}
/** Numbers read from the last piece. */
export function countNumbers(): i32 {
  return count;
}
/** Bytes read of the last piece. */
export function countConsumed(): i32 {
  return consumed;
}

/** Reads on in the `length` bytes at `body`: 0 when the list goes on behind what was read, 1 at its end, -1 for anything else. */
export function readList(length: i32, isLast: bool): i32 {
  const end = body + length;
  const limit = isLast ? end : end - longest;
  memory.fill(end, 0, 64);
  count = 0;
  let at = body;
  let outcome = inMore;
  while (outcome === inMore && count < mostNumbers && at < limit) {
    const byte = load<u8>(at);
    if (byte <= 0x20) {
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) outcome = left;
      at++;
    } else if (behind) {
      at++;
      if (byte === comma) behind = false;
      else if (byte === closeList) outcome = closeLevel();
      else outcome = left;
    } else if (byte === openList) {
      at++;
      if (!openLevel()) outcome = left;
    } else {
      const value = depth === axes ? readNumber(at) : Number.NaN;
      if (Number.isNaN(value) || (!isLast && numberEnd >= end)) outcome = left;
      else {
        store<f64>(numbers + (count << 3), value);
        count++;
        addItem();
        settled = true;
        at = numberEnd;
        // What serialisers write between numbers.
        if (load<u8>(at) === comma) at += load<u8>(at, 1) === 0x20 ? 2 : 1;
        else behind = true;
      }
    }
  }
  consumed = <i32>(at - body);
  return outcome === inMore && isLast && at >= limit ? left : outcome;
}

function openLevel(): bool {
  if (settled ? depth === axes : depth === mostAxes) return false;
  store<i32>(sizes + (depth << 2), 0);
  if (!settled) {
    store<i32>(shape + (depth << 2), -1);
    axes = depth + 1;
  }
  depth++;
  return true;
}

function addItem(): void {
  const size = sizes + ((depth - 1) << 2);
  store<i32>(size, load<i32>(size) + 1);
}

/** A list that ends is an item of the one around it. */
function closeLevel(): i32 {
  depth--;
  const size = load<i32>(sizes + (depth << 2));
  const expected = load<i32>(shape + (depth << 2));
  if (expected === -1) store<i32>(shape + (depth << 2), size);
  else if (expected !== size) return left;
  if (depth === 0) return atEnd;
  addItem();
  return inMore;
}
