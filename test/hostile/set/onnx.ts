import { create, toBinary } from '@bufbuild/protobuf';
import { readOnnx } from '../../../src/formats/onnx/index.js';
import {
  AttributeProtoSchema,
  type FunctionProto,
  FunctionProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
  NodeProtoSchema,
  SparseTensorProtoSchema,
  StringStringEntryProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
  TrainingInfoProtoSchema,
} from '../../../src/formats/onnx/onnx_pb.js';
import { scaleGraph } from '../../graphs.js';
import { type HostileFile, listTable } from './file.js';

/** A sound model, changed. */
const changed = (change: (model: ModelProto) => void): Uint8Array => {
  const { model } = readOnnx(scaleGraph().graph);
  change(model);
  return toBinary(ModelProtoSchema, model);
};
const node = (opType: string, domain = '') =>
  create(NodeProtoSchema, { opType, domain, input: ['x'], output: ['unused'] });
const external = (location: string) =>
  create(TensorProtoSchema, {
    name: 'w',
    dims: [4n],
    dataType: 1,
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: [create(StringStringEntryProtoSchema, { key: 'location', value: location })],
  });
const sub = (tensor: ReturnType<typeof external>) => create(GraphProtoSchema, { name: 'g', initializer: [tensor] });
const branch = (g: GraphProto) => {
  const each = node('If');
  each.attribute.push(create(AttributeProtoSchema, { name: 'then_branch', g }));
  return each;
};
const functionOf = (name: string, ...called: string[]): FunctionProto =>
  create(FunctionProtoSchema, {
    name,
    domain: 'local',
    input: ['x'],
    output: ['y'],
    node: called.map((each) => node(each, 'local')),
  });

/** Subgraphs in subgraphs, as bytes: a writer would not nest so deep. */
const nested = (levels: number) => {
  let graph = Buffer.from([]);
  const field = (number: number, body: Uint8Array) => {
    const length: number[] = [];
    for (let rest = body.length; ; rest >>>= 7) {
      length.push(rest > 127 ? (rest & 127) | 128 : rest);
      if (rest <= 127) break;
    }
    return Buffer.concat([Buffer.from([(number << 3) | 2, ...length]), body]);
  };
  // GraphProto.node = 1, NodeProto.attribute = 5, AttributeProto.g = 6
  for (let i = 0; i < levels; i++) graph = field(1, field(5, field(6, graph)));
  return Buffer.concat([Buffer.from([8, 10]), field(7, graph)]);
};

export const hostileOnnx = (): HostileFile[] =>
  listTable('onnx', '.onnx', {
    'artefact-unsafe': {
      'weights above': changed(({ graph }) => graph!.initializer.push(external('../../../etc/passwd'))),
      'weights at an absolute place': changed(({ graph }) => graph!.initializer.push(external('/etc/shadow'))),
      'weights beside it': changed(({ graph }) => graph!.initializer.push(external('weights.bin'))),
      'a location that says it is none': changed(({ graph }) => {
        const tensor = external('/etc/passwd');
        tensor.dataLocation = TensorProto_DataLocation.DEFAULT;
        graph!.initializer.push(tensor);
      }),
      'weights in an attribute': changed(({ graph }) => {
        const constant = node('Constant');
        constant.attribute.push(create(AttributeProtoSchema, { name: 'value', t: external('x') }));
        graph!.node.push(constant);
      }),
      'weights in a subgraph': changed(({ graph }) => graph!.node.push(branch(sub(external('x'))))),
      'weights of a sparse tensor': changed(({ graph }) =>
        graph!.sparseInitializer.push(create(SparseTensorProtoSchema, { values: external('x'), dims: [4n] })),
      ),
      'weights of the training': changed((model) =>
        model.trainingInfo.push(create(TrainingInfoProtoSchema, { initialization: sub(external('x')) })),
      ),
      'an operator of its own': changed(({ graph }) => graph!.node.push(node('Run', 'com.evil'))),
      'an operator of its own in a subgraph': changed(({ graph }) =>
        graph!.node.push(branch(create(GraphProtoSchema, { name: 'g', node: [node('Run', 'com.evil')] }))),
      ),
      'an operator of its own in a function': changed((model) => {
        model.functions.push(
          create(FunctionProtoSchema, { name: 'f', domain: 'local', node: [node('Run', 'com.evil')] }),
        );
      }),
      'a domain that looks like one': changed(({ graph }) => graph!.node.push(node('Add', 'ai.оnnx'))),
      'a compiled context': changed(({ graph }) => graph!.node.push(node('EPContext', 'com.microsoft'))),
      'a compiled context behind a function': changed((model) => {
        model.graph!.node.push(node('EPContext', 'com.microsoft'));
        model.functions.push(create(FunctionProtoSchema, { name: 'EPContext', domain: 'com.microsoft' }));
      }),
      'a Python operator': changed(({ graph }) => graph!.node.push(node('PythonOp', 'com.microsoft'))),
    },
    'artefact-malformed': {
      'a tensor with too few bytes': changed(({ graph }) =>
        graph!.initializer.push(
          create(TensorProtoSchema, { name: 'w', dims: [1000n], dataType: 1, rawData: new Uint8Array(4) }),
        ),
      ),
      'a tensor of nothing': changed(({ graph }) =>
        graph!.initializer.push(create(TensorProtoSchema, { name: 'w', dims: [1000n], dataType: 1 })),
      ),
      'a negative size': changed(({ graph }) =>
        graph!.initializer.push(create(TensorProtoSchema, { name: 'w', dims: [-1n], dataType: 1 })),
      ),
      'a function that calls itself': changed((model) => model.functions.push(functionOf('f', 'f'))),
      'functions that call each other': changed((model) =>
        model.functions.push(functionOf('f', 'g'), functionOf('g', 'f')),
      ),
      'lengths that do not fit': Buffer.concat([
        Buffer.from([8, 10, 0x3a, 0x20]),
        Buffer.from([0x0a, 0x7f]),
        Buffer.alloc(30),
      ]),
    },
    'artefact-over-limit': {
      'graphs in graphs': nested(5000),
      'functions that multiply': changed((model) => {
        model.functions.push(functionOf('f0'));
        for (let i = 1; i < 60; i++) model.functions.push(functionOf(`f${i}`, `f${i - 1}`, `f${i - 1}`));
      }),
      'a tensor that is made when it is loaded': changed(({ graph }) => {
        graph!.initializer.push(
          create(TensorProtoSchema, { name: 's', dims: [2n], dataType: 7, int64Data: [1n << 30n, 1n << 10n] }),
        );
        graph!.node.push(create(NodeProtoSchema, { opType: 'ConstantOfShape', input: ['s'], output: ['big'] }));
      }),
      'a tensor without end': changed(({ graph }) =>
        graph!.initializer.push(create(TensorProtoSchema, { name: 'w', dims: [1n << 40n], dataType: 1 })),
      ),
    },
  });
