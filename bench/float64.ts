/**
 * `npm run bench:float64`: what float64 costs. Every scikit-learn fixture is converted, and timed beside the same graph
 * with each double made a float, in turn, on the same rows.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { convertArtefact } from '../src/convert/index.js';
import { prepareFeaturizers } from '../src/featurizers/index.js';
import {
  type GraphProto,
  ModelProtoSchema,
  TensorProto_DataType as OnnxType,
  type TensorProto,
} from '../src/formats/onnx/onnx_pb.js';
import { openSession, type Session } from '../src/runtime/index.js';
import { feed, type ManifestCase, readManifest, type StoredInputs } from '../src/services/loading/manifest.js';
import type { Tensor } from '../src/tensor.js';

const rows = Number(process.env.BENCH_ROWS ?? 256);
const folder = process.env.BENCH_FIXTURES ?? join(import.meta.dirname, '../test/fixtures/sklearn');

/** The same graph in float32. */
function toFloat32(graph: Uint8Array): Uint8Array {
  const model = fromBinary(ModelProtoSchema, graph);
  narrow(model.graph!);
  return toBinary(ModelProtoSchema, model);
}

function narrow(graph: GraphProto): void {
  for (const tensor of graph.initializer) narrowTensor(tensor);
  for (const { type } of [...graph.input, ...graph.output, ...graph.valueInfo]) {
    if (type?.value.case === 'tensorType' && type.value.value.elemType === OnnxType.DOUBLE) {
      type.value.value.elemType = OnnxType.FLOAT;
    }
  }
  for (const node of graph.node) {
    for (const attribute of node.attribute) {
      if (attribute.t !== undefined) narrowTensor(attribute.t);
      if (attribute.g !== undefined) narrow(attribute.g);
      if (attribute.name === 'to' && attribute.i === BigInt(OnnxType.DOUBLE)) attribute.i = BigInt(OnnxType.FLOAT);
    }
  }
}

function narrowTensor(tensor: TensorProto): void {
  if (tensor.dataType !== OnnxType.DOUBLE) return;
  const bytes = new Uint8Array(tensor.rawData);
  const floats = Float32Array.from(new Float64Array(bytes.buffer, 0, bytes.length / 8));
  tensor.dataType = OnnxType.FLOAT;
  tensor.rawData = new Uint8Array(floats.buffer);
}

/** The case's rows, repeated until there are `rows` of them. */
function repeat({ dtype, shape, data }: Tensor): Tensor {
  const width = data.length / shape[0]!;
  const pick = (i: number) => data[(Math.floor(i / width) % shape[0]!) * width + (i % width)]!;
  const all = Array.from({ length: rows * width }, (_, i) => pick(i));
  const made = dtype === 'string' ? all : (data as Float64Array).constructor;
  const repeated = Array.isArray(made) ? made : (made as Float64ArrayConstructor).from(all as number[]);
  return { dtype, shape: [rows, ...shape.slice(1)], data: repeated as Float64Array };
}

const asFloat32 = (tensor: Tensor): Tensor =>
  tensor.dtype === 'float64'
    ? { ...tensor, dtype: 'float32', data: Float32Array.from(tensor.data as Float64Array) }
    : tensor;

async function medianMs(sessions: readonly [Session, () => Record<string, Tensor>][]): Promise<number[]> {
  const times = sessions.map((): number[] => []);
  for (let round = 0; round < 15; round++) {
    for (const [i, [session, inputs]] of sessions.entries()) {
      const given = inputs();
      const before = performance.now();
      await session.run(given);
      times[i]!.push(performance.now() - before);
    }
  }
  return times.map((own) => own.sort((a, b) => a - b)[own.length >> 1]!);
}

async function compare({
  id,
  dir,
  artefact,
}: ManifestCase): Promise<{ id: string; ratio: number; ms: number } | undefined> {
  const file = join(folder, artefact);
  const { graph, signature, featurizers = [] } = await convertArtefact(readFileSync(file), file);
  const stored = JSON.parse(readFileSync(join(folder, dir, 'inputs.json'), 'utf8')) as StoredInputs;
  const fed = prepareFeaturizers(featurizers)(
    Object.fromEntries(Object.entries(feed(signature, stored)).map(([name, tensor]) => [name, repeat(tensor)])),
  );
  const double = await openSession(graph, 'inline');
  const single = await openSession(toFloat32(graph), 'inline').catch(() => undefined);
  if (single === undefined) return undefined;
  const narrowed = Object.fromEntries(Object.entries(fed).map(([name, tensor]) => [name, asFloat32(tensor)]));
  const [own, other] = await medianMs([
    [double, () => ({ ...fed })],
    [single, () => ({ ...narrowed })],
  ]);
  await Promise.all([double.close(), single.close()]);
  return { id, ratio: own! / other!, ms: own! };
}

const manifest = join(folder, 'manifest.json');
if (!existsSync(manifest)) throw new Error(`There is no ${manifest}`);
const results = [];
for (const entry of readManifest(manifest)) {
  if (entry.family !== 'sklearn' || (entry.kind !== 'model' && entry.kind !== 'transformer')) continue;
  const result = await compare(entry).catch(() => undefined);
  if (result !== undefined) results.push(result);
}
results.sort((a, b) => b.ratio - a.ratio);
const median = results[results.length >> 1]!.ratio;
process.stdout.write(
  `${results.length} graphs, ${rows} rows; float64 takes ${median.toFixed(2)} times as long as float32 (median)\n`,
);
process.stdout.write('The most expensive of those that take more than 0.2 ms:\n');
for (const { id, ratio, ms } of results.filter((result) => result.ms > 0.2).slice(0, 15)) {
  process.stdout.write(`${ratio.toFixed(2).padStart(8)}  ${ms.toFixed(2).padStart(8)} ms  ${id}\n`);
}
