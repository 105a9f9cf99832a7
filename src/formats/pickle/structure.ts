import { PythonDict, PythonSet } from './dictionary.js';
import { type Budget, malformed, overLimit, unsupported } from './limits.js';
import { NumpyArray } from './numpy-values.js';
import { EightBitText, PythonObject, PythonTuple, type PythonValue } from './values.js';

/**
 * Checks what can be checked only when a pickle is complete: no array was left without content, no path through the
 * value is longer than `limits.depth`, and a walk that does not remember where it was comes to an end: containers that
 * share containers do not unfold to more than `limits.count` of them. So a reader may recurse. Cycles are allowed and
 * counted once.
 * @throws artefact-malformed, artefact-over-limit, artefact-unsupported for text of an unknown encoding
 */
export function checkStructure(root: PythonValue, budget: Budget): void {
  const limit = budget.limits.depth;
  const visited = new Map<object, Extent>();
  const path: { children: readonly PythonValue[]; next: number; height: number; extent: Extent }[] = [];

  /** The extent of what needs no visit, or was visited; `undefined` when the visit begins here. */
  const enter = (value: PythonValue): Extent | undefined => {
    if (typeof value !== 'object' || value === null) return nothing;
    if (value instanceof EightBitText) {
      throw unsupported('pickle', 'an 8-bit string of Python 2 that is not ASCII', 'save the file again with Python 3');
    }
    const known = visited.get(value);
    // Inside of itself it counts once.
    if (known !== undefined) return known.height === 0 ? nothing : known;
    const children = childrenOf(value);
    if (children === undefined) return nothing;
    budget.charge(64);
    const extent = { height: 0, size: 1 };
    visited.set(value, extent);
    path.push({ children, next: 0, height: 0, extent });
    if (path.length > limit) throw overLimit('pickle', 'a nesting', path.length, limit, 'depth');
    return undefined;
  };
  const grow = (parent: Extent, size: number): void => {
    parent.size += size;
    if (parent.size > budget.limits.count) {
      throw overLimit('pickle', 'shared objects that unfold to a number', parent.size, budget.limits.count, 'count');
    }
  };

  enter(root);
  while (path.length > 0) {
    const top = path.at(-1)!;
    if (top.next < top.children.length) {
      const extent = enter(top.children[top.next++]!);
      if (extent === undefined) continue;
      top.height = Math.max(top.height, extent.height);
      grow(top.extent, extent.size);
      // What was visited before may hang below a longer path than the first.
      const depth = path.length + extent.height;
      if (depth > limit) throw overLimit('pickle', 'a nesting', depth, limit, 'depth');
      continue;
    }
    path.pop();
    top.extent.height = top.height + 1;
    const parent = path.at(-1);
    if (parent === undefined) return;
    parent.height = Math.max(parent.height, top.extent.height);
    grow(parent.extent, top.extent.size);
  }
}

/** How far a value reaches: the longest path in it (0 during its visit), and the containers that a walk meets. */
interface Extent {
  height: number;
  size: number;
}

const nothing: Extent = Object.freeze({ height: 0, size: 0 });

/** The values inside of a container, `undefined` for what is none. */
function childrenOf(value: object): readonly PythonValue[] | undefined {
  if (Array.isArray(value)) return value;
  if (value instanceof PythonTuple) return value.items;
  if (value instanceof PythonDict) return [...value.keys(), ...value.values()];
  if (value instanceof PythonSet) return value.values();
  if (value instanceof PythonObject) {
    const { args, kwargs, state, items, entries } = value;
    return [...args, kwargs ?? null, state ?? null, items ?? null, entries ?? null];
  }
  if (value instanceof NumpyArray) {
    if (value.content === undefined) throw malformed('pickle', 'an array without elements');
    return value.content.kind === 'objects' ? value.content.objects.items : undefined;
  }
  return undefined;
}
