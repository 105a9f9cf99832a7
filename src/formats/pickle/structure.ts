import { PythonDict, PythonSet } from './dictionary.js';
import { type Budget, malformed, overLimit } from './limits.js';
import { NumpyArray } from './numpy-values.js';
import { PythonObject, PythonTuple, type PythonValue } from './values.js';

/**
 * Checks what can be checked only when a pickle is complete: no array was left without content, and no path through
 * the value is longer than `limits.depth`, so that a reader may recurse. Cycles are allowed and counted once.
 * @throws artefact-malformed, artefact-over-limit
 */
export function checkStructure(root: PythonValue, budget: Budget): void {
  const limit = budget.limits.depth;
  // Height of what was visited; 0 while its children are.
  const heights = new Map<object, number>();
  const path: { node: object; children: readonly PythonValue[]; next: number; height: number }[] = [];

  const enter = (value: PythonValue): number => {
    if (typeof value !== 'object' || value === null) return 0;
    const known = heights.get(value);
    if (known !== undefined) return known;
    const children = childrenOf(value);
    if (children === undefined) return 0;
    budget.charge(48);
    heights.set(value, 0);
    path.push({ node: value, children, next: 0, height: 0 });
    if (path.length > limit) throw overLimit('pickle', 'a nesting', path.length, limit, 'depth');
    return -1;
  };

  enter(root);
  while (path.length > 0) {
    const top = path.at(-1)!;
    if (top.next < top.children.length) {
      const height = enter(top.children[top.next++]!);
      if (height > top.height) top.height = height;
      continue;
    }
    path.pop();
    const height = top.height + 1;
    // What was visited before may hang below a longer path than the first.
    if (height + path.length > limit) throw overLimit('pickle', 'a nesting', height + path.length, limit, 'depth');
    heights.set(top.node, height);
    const parent = path.at(-1);
    if (parent !== undefined && height > parent.height) parent.height = height;
  }
}

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
