import { type CallRecord, malformed, referencesIn, type TensorRef } from './nodes.js';

/** One call of a layer in a Functional model. */
export interface GraphCall {
  /** Tells calls apart. */
  readonly key: string;
  /** Layer that is called, and which of its calls this is. */
  readonly ref: TensorRef;
  /** `undefined` for an input of the model. */
  readonly record: CallRecord | undefined;
}

interface Visit {
  readonly call: GraphCall;
  readonly needs: readonly GraphCall[];
  next: number;
}

/**
 * The calls that the outputs need, in the order in which Keras makes them: by depth, which is the longest way to an
 * output, and then by when a walk from the outputs meets them. The order shows where a layer takes masks away from
 * tensors that others use too. Source: `map_graph` in keras/src/ops/function.py.
 *
 * @param find gives the call that a reference means
 */
export function executionOrder(ends: readonly TensorRef[], find: (ref: TensorRef) => GraphCall): GraphCall[] {
  const visits = walkFromOutputs(ends, find);
  const depths = new Map<string, number>();
  const layerDepths = new Map<string, number>();
  for (const { call, needs } of visits.toReversed()) {
    const depth = Math.max(depths.get(call.key) ?? 0, layerDepths.get(call.ref.layer) ?? 0);
    layerDepths.set(call.ref.layer, depth);
    depths.set(call.key, depth);
    for (const { key } of needs) depths.set(key, Math.max(depth + 1, depths.get(key) ?? 0));
  }
  const calls = new Map(visits.map(({ call }) => [call.key, call]));
  // A Map keeps the order of first insertion, as Python's dictionary does, and sorting is stable.
  return [...depths].sort(([, a], [, b]) => b - a).map(([key]) => calls.get(key)!);
}

/** Dependencies first; without recursion, since a model may be deep. */
function walkFromOutputs(ends: readonly TensorRef[], find: (ref: TensorRef) => GraphCall): Visit[] {
  const done = new Map<string, Visit>();
  const open = new Set<string>();
  const stack: Visit[] = [];
  const visit = (ref: TensorRef): void => {
    const call = find(ref);
    if (done.has(call.key)) return;
    if (open.has(call.key)) throw malformed(`layer "${ref.layer}" needs its own output`);
    open.add(call.key);
    stack.push({ call, needs: needsOf(call.record).map(find), next: 0 });
  };
  for (const end of ends) {
    visit(end);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const need = top.needs[top.next++];
      if (need !== undefined) {
        visit(need.ref);
        continue;
      }
      open.delete(top.call.key);
      done.set(top.call.key, top);
      stack.pop();
    }
  }
  return [...done.values()];
}

/** Tensors that a call is given, in the order in which Keras flattens arguments: keyword arguments by name. */
function needsOf(record: CallRecord | undefined): TensorRef[] {
  if (record === undefined) return [];
  const { first, args, kwargs } = record;
  const named = Object.keys(kwargs)
    .sort()
    .map((name) => kwargs[name]!);
  return [...referencesIn([first ?? null, args, named])];
}
