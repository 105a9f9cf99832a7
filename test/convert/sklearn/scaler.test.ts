import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { convertPickle, readScaler } from '../../../src/convert/index.js';
import { standardScaler } from '../../../src/convert/sklearn/preprocessing/standard-scaler.js';
import { registerEstimators } from '../../../src/convert/sklearn/registry.js';
import { pythonFixtures, toFloat } from '../../formats/python-values.js';

interface ScalerCase {
  readonly name: string;
  readonly base64: string;
  readonly input: readonly string[];
  readonly expected: readonly string[];
}

const cases = JSON.parse(readFileSync(join(pythonFixtures, 'scalers.json'), 'utf8')) as ScalerCase[];
const features = 4;
const bytesOf = (name: string) => Buffer.from(cases.find((one) => one.name === name)!.base64, 'base64');

/** The bytes of a float64 sequence, so that -0 and 0 differ and one NaN is as good as another. */
const bits = (values: Iterable<number>) => Array.from(values, (value) => (Object.is(value, -0) ? '-0' : String(value)));

describe('convertPickle', () => {
  it.each(cases)('gives the numbers of $name bit for bit', async ({ base64, input, expected }) => {
    const conversion = convertPickle(Buffer.from(base64, 'base64'));
    const session = await InferenceSession.create(conversion.graph, { logSeverityLevel: 3 });
    const x = new Tensor('float64', Float64Array.from(input, toFloat), [input.length / features, features]);
    const { transform } = await session.run({ X: x });
    await session.release();
    expect(bits(transform!.data as Float64Array)).toEqual(bits(expected.map(toFloat)));
    expect(transform!.dims).toEqual([input.length / features, features]);
  });

  it('describes a scaler fitted on a table', () => {
    const dir = join(import.meta.dirname, '../../fixtures/sklearn/sklearn/shock_vitals_scaler__sk122-joblib-gz');
    const { signature, provenance } = convertPickle(readFileSync(join(dir, 'model.joblib.gz')));
    expect(signature.inputs[0]).toMatchObject({ name: 'X', dtype: 'float64', shape: [null, 9] });
    expect(signature.inputs[0]!.columns).toHaveLength(9);
    expect(signature.inputs[0]!.columns![0]).toBe('MDC_BLD_PERF_INDEX');
    expect(signature.outputs).toEqual([{ name: 'transform', dtype: 'float64', shape: [null, 9] }]);
    expect(provenance).toEqual({
      format: 'joblib',
      library: 'scikit-learn',
      libraryVersion: '1.2.2',
      components: ['StandardScaler'],
      notes: [],
    });
  });

  /** A pickle of a StandardScaler whose state is the lines given, in protocol 0. */
  const scalerOf = (state: string) =>
    Buffer.from(`csklearn.preprocessing._data\nStandardScaler\n)\x81}(${state}ub.`, 'latin1');
  it.each([
    ['', /does not say which scikit-learn wrote it, and the releases read are 0\.18 to 1\.9/],
    ["S'_sklearn_version'\nS'2.0.1'\n", /scikit-learn 2\.0\.1 wrote it/],
    ["S'_sklearn_version'\nS'1.4.2'\nS'with_mean'\nI01\n", /is not fitted \(it has no n_samples_seen_\)/],
    ["S'_sklearn_version'\nS'1.4.2'\nS'quantum'\nI01\n", /its parameter quantum is not known here/],
    ["S'_sklearn_version'\nS'1.4.2'\nS'n_samples_seen_'\nI3\nS'with_mean'\nI5\n", /with_mean should be True or False/],
    [
      "S'_sklearn_version'\nS'1.4.2'\nS'n_samples_seen_'\nI3\nS'with_mean'\nI01\nS'mean_'\nN",
      /mean_ should be an array/,
    ],
  ])('refuses a StandardScaler with the state %j', (state, message) => {
    expect(() => convertPickle(scalerOf(state))).toThrow(message);
  });

  it.each([
    ['}.', /holds an empty dictionary, not an estimator/],
    ["}S'model'\nNs.", /a dictionary with the keys model/],
    [')(I1\nt.', /left over/],
    ['(I1\nt.', /a tuple of 1/],
    [']N.', /left over/],
    ['].', /a list of 0/],
    ['N.', /holds None/],
    ['I5\n.', /a single bigint/],
    [
      'csklearn.cluster._dbscan\nDBSCAN\n)\x81.',
      /sklearn\.cluster\._dbscan\.DBSCAN cannot be converted: there is no converter/,
    ],
    ['ccollections\nOrderedDict\n.', /a single value/],
  ])('refuses %j, which is no estimator that it converts', (text, message) => {
    expect(() => convertPickle(Buffer.from(text, 'latin1'))).toThrow(message);
  });
});

describe('readScaler', () => {
  it.each(cases.filter(({ name }) => name.startsWith('StandardScaler')))(
    'computes $name bit for bit',
    ({ base64, input, expected }) => {
      const bytes = Buffer.from(base64, 'base64');
      for (const file of [bytes, gzipSync(bytes)]) {
        const { mean, scale, version, featureNames } = readScaler(file);
        const got = input.map((x, i) => (toFloat(x) - mean[i % features]!) / scale[i % features]!);
        expect(bits(got)).toEqual(bits(expected.map(toFloat)));
        expect([version, featureNames]).toEqual(['1.9.1', undefined]);
      }
    },
  );

  it('keeps the mean of the training data of a scaler that does not subtract it', () => {
    const { mean, trainingMean } = readScaler(bytesOf('StandardScaler without mean'));
    expect(Array.from(mean)).toEqual([0, 0, 0, 0]);
    expect(trainingMean![3]).toBe(3);
    expect(readScaler(bytesOf('StandardScaler of nothing')).trainingMean).toBeUndefined();
  });

  it('refuses other scalers by name', () => {
    expect(() => readScaler(bytesOf('RobustScaler'))).toThrow(
      /holds sklearn\.preprocessing\._data\.RobustScaler, not a StandardScaler/,
    );
    expect(() => readScaler(Buffer.from('N.'))).toThrow(/holds something else/);
  });
});

describe('registerEstimators', () => {
  it('refuses two converters for one class', () => {
    expect(() => registerEstimators([standardScaler, standardScaler])).toThrow(/Two converters claim/);
  });
});
