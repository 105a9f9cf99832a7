import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { VitrinaError } from '../../errors.js';
import {
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
} from '../../formats/onnx/onnx_pb.js';
import type { Conversion } from '../../signature.js';
import { onnxTypes } from '../graph-builder.js';

/** The output of the first part that the second takes. */
const link = 'transform';

/**
 * One conversion of two: `transform` of the first, [batch, n], is the single input of the second, [batch, n], cast to
 * its type. The caller's inputs are those of the first, the outputs those of the second.
 * @throws model-unsupported when they do not fit
 */
export function joinConversions(first: Conversion, second: Conversion, names: readonly [string, string]): Conversion {
  const input = checkFit(first, second, names);
  const head = fromBinary(ModelProtoSchema, first.graph);
  const tail = fromBinary(ModelProtoSchema, second.graph);
  const [headGraph, tailGraph] = [head.graph!, tail.graph!];
  checkOperators(head, tail, names);
  const outer = new Set(headGraph.input.map(({ name }) => name));
  for (const { name } of tailGraph.output) {
    if (outer.has(name)) throw unfit(names, `"${name}" is an input of one and an output of the other`);
  }
  const renamedHead = rename(headGraph, 'first/', outer);
  const renamedTail = rename(tailGraph, 'second/', new Set(tailGraph.output.map(({ name }) => name)));
  headGraph.output = headGraph.output.filter(({ name }) => name !== renamedHead(link));
  const guards = (first.guards ?? []).map((guard) => ({ ...guard, output: renamedHead(guard.output) }));
  const kept = new Set(guards.map(({ output }) => output));
  const cast = create(NodeProtoSchema, {
    opType: 'Cast',
    name: 'link',
    input: [renamedHead(link)],
    output: [renamedTail(input.name)],
    attribute: [
      create(AttributeProtoSchema, { name: 'to', type: AttributeType.INT, i: BigInt(onnxTypes[input.dtype]) }),
    ],
  });
  headGraph.node.push(cast, ...tailGraph.node);
  headGraph.initializer.push(...tailGraph.initializer);
  headGraph.sparseInitializer.push(...tailGraph.sparseInitializer);
  headGraph.output = [...headGraph.output.filter(({ name }) => kept.has(name)), ...tailGraph.output];
  headGraph.valueInfo = [];
  head.functions.push(...tail.functions);
  const isIndivisible = first.signature.indivisible || second.signature.indivisible;
  return {
    graph: toBinary(ModelProtoSchema, head),
    ...(first.featurizers === undefined ? {} : { featurizers: first.featurizers }),
    guards: [...guards, ...(second.guards ?? [])],
    signature: {
      inputs: first.signature.inputs,
      outputs: second.signature.outputs,
      ...(first.signature.ignored === undefined ? {} : { ignored: first.signature.ignored }),
      ...(isIndivisible ? { indivisible: true } : {}),
    },
    provenance: {
      ...second.provenance,
      components: [...new Set([...first.provenance.components, ...second.provenance.components])],
      notes: [...first.provenance.notes, ...second.provenance.notes],
    },
  };
}

function checkFit(first: Conversion, second: Conversion, names: readonly [string, string]) {
  const given = first.signature.outputs.find(({ name }) => name === link);
  if (given === undefined) throw unfit(names, `${names[0]} has no transform that gives one matrix`);
  const [input, ...others] = second.signature.inputs;
  if (input === undefined || others.length > 0) {
    throw unfit(names, `${names[1]} takes ${second.signature.inputs.length} inputs, where one can be fed`);
  }
  const width = given.shape[1];
  const isTable = input.shape.length === 2 && input.shape[0] === null;
  if (!isTable || !input.dtype.startsWith('float') || (input.shape[1] !== null && input.shape[1] !== width)) {
    const shape = input.shape.map((size) => size ?? '?').join(', ');
    throw unfit(names, `${names[0]} gives ${width} numbers a row, and ${names[1]} takes [${shape}] of ${input.dtype}`);
  }
  return input;
}

/** A graph knows one release of each set of operators. */
function checkOperators(head: ModelProto, tail: ModelProto, names: readonly [string, string]): void {
  const known = new Map(head.opsetImport.map(({ domain, version }) => [domain, version]));
  for (const { domain, version } of tail.opsetImport) {
    const own = known.get(domain);
    if (own === undefined) head.opsetImport.push(tail.opsetImport.find((entry) => entry.domain === domain)!);
    else if (own !== version) {
      const set = domain === '' ? 'ai.onnx' : domain;
      throw new VitrinaError('model-unsupported', {
        what: `${names[1]} is written in release ${version} of the operators ${set}, and what precedes it in release ${own}`,
        next: `export it with opset ${own}`,
      });
    }
  }
  if (tail.irVersion > head.irVersion) head.irVersion = tail.irVersion;
}

function unfit(names: readonly [string, string], why: string): VitrinaError {
  return new VitrinaError('model-unsupported', {
    what: `${names[0]} does not fit in front of ${names[1]}: ${why}`,
    next: 'put files of which each gives what the next takes after "pipeline:" in model.yaml',
  });
}

/** Puts `prefix` before every name of a value, subgraphs included, but for those in `kept`; gives the renaming. */
function rename(graph: GraphProto, prefix: string, kept: ReadonlySet<string>): (name: string) => string {
  const renamed = (name: string) => (name === '' || kept.has(name) ? name : prefix + name);
  const visit = (inner: GraphProto) => {
    for (const list of [inner.input, inner.output, inner.initializer]) {
      for (const entry of list) entry.name = renamed(entry.name);
    }
    for (const { values } of inner.sparseInitializer) if (values !== undefined) values.name = renamed(values.name);
    inner.valueInfo = [];
    for (const node of inner.node) {
      node.name = prefix + node.name;
      node.input = node.input.map(renamed);
      node.output = node.output.map(renamed);
      for (const { g, graphs } of node.attribute) {
        if (g !== undefined) visit(g);
        graphs.forEach(visit);
      }
    }
  };
  visit(graph);
  return renamed;
}
