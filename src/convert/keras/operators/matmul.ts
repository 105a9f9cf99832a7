import { nameOf } from '../config.js';
import type { Shape } from '../layer.js';
import { broadcast, type Operand, type OperatorArguments, promote } from './arguments.js';
import type { Operator } from './index.js';

/** [batch, …, n, k] · [batch, …, k, m] → [batch, …, n, m]; a constant [k, m] serves every row. */
const matmul: Operator = (args) => {
  const operands = [
    turn(args, args.operand(0, 'x1', 'x', 'a'), args.boolean(false, 2, 'transpose_a')),
    turn(args, args.operand(1, 'x2', 'y', 'b'), args.boolean(false, 3, 'transpose_b')),
  ] as const;
  const [left, right] = operands;
  const batchedRanks = operands.filter(({ constant }) => !constant).map(({ shape }) => shape.length);
  if (batchedRanks.length === 2 && (batchedRanks[0] !== batchedRanks[1] || batchedRanks[0]! < 3)) {
    return args.refuse('multiplies the rows of a batch with each other');
  }
  if (right.constant && right.shape.length !== 2) return args.refuse('takes a constant matrix of two dimensions');
  if (left.constant && (left.shape.length !== 2 || right.shape.length < 3)) {
    return args.refuse('multiplies a constant with the batch');
  }
  const [inner, other] = [left.shape.at(-1), right.shape.at(-2)];
  if (typeof inner === 'number' && typeof other === 'number' && inner !== other) {
    return args.refuse(`multiplies sizes ${inner} and ${other}`);
  }
  const leading = operands.map((operand) => ({ ...operand, shape: operand.shape.slice(0, -2) }));
  const lead: Shape =
    batchedRanks.length === 2 ? broadcast(args, leading) : leading.find(({ constant }) => !constant)!.shape;
  const values = operands.map(({ value }) => value);
  return [
    {
      value: args.graph.node('MatMul', values),
      dtype: 'float32',
      shape: [...lead, left.shape.at(-2)!, right.shape.at(-1)!],
    },
  ];
};

function turn(
  args: OperatorArguments,
  operand: ReturnType<OperatorArguments['operand']>,
  transposed: boolean,
): Operand {
  if (typeof operand !== 'object' || operand.shape.length < 2) return args.refuse('takes matrices');
  const [value] = promoteAlone(args, operand);
  if (!transposed) return { ...operand, value, dtype: 'float32' };
  const rank = operand.shape.length;
  if (!operand.constant && rank < 3) return args.refuse('transposes the batch');
  const perm = operand.shape.map((_, i) => (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i));
  return {
    ...operand,
    value: args.graph.node('Transpose', [value], { perm }),
    dtype: 'float32',
    shape: perm.map((axis) => operand.shape[axis]!),
  };
}

function promoteAlone(args: OperatorArguments, operand: Operand): [string] {
  if (operand.constant || operand.dtype === 'float32') return [operand.value];
  return promote(args, [operand], true).values as [string];
}

/** Every batched term must begin with the letter that the result begins with. */
const einsum: Operator = (args) => {
  const equation = nameOf(args.find(-1, 'subscripts') ?? '').replaceAll(' ', '');
  const tensors = [args.operand(0, 'operands'), ...args.call.args.map((_, i) => args.operand(i + 1, 'operands'))];
  const match = /^([a-zA-Z,]+)->([a-zA-Z]+)$/.exec(equation);
  const terms = match?.[1]?.split(',') ?? [];
  const result = match?.[2] ?? '';
  if (match === null || terms.length !== tensors.length)
    return args.refuse(`has the equation ${equation.slice(0, 60)}`);
  const sizes = new Map<string, number | null>();
  const values = tensors.map((operand, i) => {
    const term = terms[i]!;
    if (typeof operand !== 'object' || operand.shape.length !== term.length)
      return args.refuse(`has the equation ${equation}`);
    if (operand.constant ? term.includes(result[0]!) : term[0] !== result[0] || term.indexOf(result[0]!, 1) >= 0) {
      return args.refuse(`has the equation ${equation}, in which the rows of a batch meet`);
    }
    [...term].forEach((letter, axis) => {
      sizes.set(letter, sizes.get(letter) ?? operand.shape[axis]!);
    });
    return promoteAlone(args, operand)[0];
  });
  const shape = [null, ...[...result].slice(1).map((letter) => sizes.get(letter) ?? null)];
  return [{ value: args.graph.node('Einsum', values, { equation }), dtype: 'float32', shape }];
};

export const products: Readonly<Record<string, Operator>> = {
  Matmul: matmul,
  'linalg.matmul': matmul,
  Dot: matmul,
  Einsum: einsum,
};
