import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newFindings, scanArtefact } from '../../src/convert/scan/index.js';
import { VitrinaError } from '../../src/errors.js';
import { readJoblib } from '../../src/formats/joblib/index.js';
import { readNpy } from '../../src/formats/npy/index.js';
import { disassemble, disassemblyLines, opcodeInfo } from '../../src/formats/pickle/index.js';
import { readCases } from '../formats/python-values.js';
import { scaleGraph } from '../graphs.js';
import { pickle } from './pickle-writer.js';
import { hostileSet } from './set/index.js';

/** Cases of each law; VITRINA_FUZZ_CASES=1000000 is a night's work. */
const cases = Number(process.env.VITRINA_FUZZ_CASES ?? 10_000);
const timeout = 60_000 + cases * 5;

/** Whatever the bytes are, they are read, or refused with an error of the catalogue; nothing else is thrown. */
function expectHarmless(bytes: Uint8Array, read: (bytes: Uint8Array) => unknown): void {
  try {
    read(bytes);
  } catch (error) {
    if (!(error instanceof VitrinaError)) throw error;
    expect(error.status).toBe(422);
  }
}

/** One to four bytes of `bytes`, changed. */
const damage = fc.array(fc.tuple(fc.double({ min: 0, max: 0.999999, noNaN: true }), fc.integer({ min: 0, max: 255 })), {
  minLength: 1,
  maxLength: 4,
});
function damaged(bytes: Uint8Array, changes: readonly (readonly [number, number])[]): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (const [place, value] of changes) copy[Math.floor(place * copy.length)] = value;
  return copy;
}

describe('damage', () => {
  const real = [
    ...readCases('pickles.json').filter(({ name }) => /protocol [025]/.test(name)),
    ...readCases('joblibs.json'),
  ].map(({ name, base64 }) => ({ name, bytes: Buffer.from(base64, 'base64') }));

  it('of bits throws nothing but errors of the catalogue', { timeout }, () => {
    fc.assert(
      fc.property(
        fc.nat(real.length - 1),
        fc.array(fc.tuple(fc.double({ min: 0, max: 0.999999, noNaN: true }), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 4,
        }),
        (which, changes) => {
          const bytes = Uint8Array.from(real[which]!.bytes);
          for (const [place, value] of changes) bytes[Math.floor(place * bytes.length)] = value;
          expectHarmless(bytes, readJoblib);
        },
      ),
      { numRuns: cases },
    );
  });

  it('of arrays throws nothing but errors of the catalogue', { timeout }, () => {
    const npys = readCases('npys.json').map(({ base64 }) => Buffer.from(base64, 'base64'));
    fc.assert(
      fc.property(fc.nat(npys.length - 1), fc.nat(400), fc.integer({ min: 0, max: 255 }), (which, place, value) => {
        const bytes = Uint8Array.from(npys[which]!);
        bytes[place % bytes.length] = value;
        expectHarmless(bytes, readNpy);
      }),
      { numRuns: Math.ceil(cases / 2) },
    );
  });

  it('of sense: any sequence of opcodes is harmless', { timeout }, () => {
    const names = [
      'builtins\nset\n',
      'builtins\ndict\n',
      'collections\nOrderedDict\n',
      'numpy\ndtype\n',
      'numpy\nndarray\n',
      'numpy.core.multiarray\n_reconstruct\n',
      'numpy.core.multiarray\nscalar\n',
      'copy_reg\n_reconstructor\n',
      '_codecs\nencode\n',
      'sklearn.svm._classes\nSVC\n',
      'builtins\nobject\n',
      'os\nsystem\n',
    ];
    const argument: Record<string, fc.Arbitrary<string>> = {
      uint1: fc.constantFrom('\x00', '\x01', '\x05'),
      uint2: fc.constant('\x02\x00'),
      uint4: fc.constantFrom('\x00\x00\x00\x00', '\x03\x00\x00\x00'),
      int4: fc.constantFrom('\xff\xff\xff\xff', '\x02\x00\x00\x00'),
      uint8: fc.constant('\x04\x00\x00\x00\x00\x00\x00\x00'),
      float8: fc.constantFrom('\x3f\xf0\x00\x00\x00\x00\x00\x00', '\x7f\xf8\x00\x00\x00\x00\x00\x00'),
      long1: fc.constant('\x01\x07'),
      long4: fc.constant('\x01\x00\x00\x00\x07'),
      string1: fc.constant('\x01a'),
      string4: fc.constant('\x01\x00\x00\x00a'),
      bytes1: fc.constant('\x01\x00'),
      bytes4: fc.constant('\x01\x00\x00\x00\x00'),
      bytes8: fc.constant('\x01\x00\x00\x00\x00\x00\x00\x00\x00'),
      bytearray8: fc.constant('\x01\x00\x00\x00\x00\x00\x00\x00\x00'),
      unicodestring1: fc.constantFrom('\x02f8', '\x01O', '\x06latin1'),
      unicodestring4: fc.constant('\x01\x00\x00\x00<'),
      unicodestring8: fc.constant('\x01\x00\x00\x00\x00\x00\x00\x00a'),
      decimalnl_short: fc.constantFrom('0\n', '1\n', '01\n'),
      decimalnl_long: fc.constant('3L\n'),
      stringnl: fc.constant("'b'\n"),
      stringnl_noescape: fc.constant('id\n'),
      stringnl_noescape_pair: fc.constantFrom(...names),
      unicodestringnl: fc.constant('x\n'),
      floatnl: fc.constant('1.5\n'),
    };
    const opcode = fc
      .constantFrom(...opcodeInfo.entries())
      .chain(([code, info]) =>
        (info.argument === null ? fc.constant('') : argument[info.argument]!).map(
          (rest) => String.fromCharCode(code) + rest,
        ),
      );
    fc.assert(
      fc.property(fc.array(opcode, { maxLength: 60 }), (opcodes) =>
        expectHarmless(pickle(...opcodes, '.'), readJoblib),
      ),
      { numRuns: cases },
    );
  });

  it('of real estimators throws nothing but errors of the catalogue', { timeout }, () => {
    const root = join(import.meta.dirname, '../fixtures/sklearn/sklearn');
    const files = readdirSync(root).map((dir) => {
      const file = readdirSync(join(root, dir)).find((name) => name.startsWith('model.'))!;
      return readFileSync(join(root, dir, file));
    });
    fc.assert(
      fc.property(fc.nat(files.length - 1), fc.nat(), fc.nat(7), (which, place, bit) => {
        const bytes = Uint8Array.from(files[which]!);
        bytes[place % bytes.length]! ^= 1 << bit;
        expectHarmless(bytes, readJoblib);
      }),
      { numRuns: Math.ceil(cases / 2) },
    );
  });

  it('of files of every format throws nothing but errors of the catalogue', { timeout }, async () => {
    const root = join(import.meta.dirname, '../fixtures');
    const small = (folder: string, pattern: RegExp) =>
      (readdirSync(join(root, folder), { recursive: true }) as string[])
        .filter((name) => pattern.test(name))
        .map((name) => ({ name, bytes: readFileSync(join(root, folder, name)) as Uint8Array }))
        .filter(({ bytes }) => bytes.length < 60_000);
    const files = [
      ...small('keras-layers', /\.(keras|h5)$/),
      ...small('hdf5', /\.h5$/),
      { name: 'scale.onnx', bytes: scaleGraph().graph },
      ...hostileSet().filter(({ bytes }) => bytes.length < 10_000),
    ];
    await fc.assert(
      fc.asyncProperty(fc.nat(files.length - 1), damage, async (which, changes) => {
        const { name, bytes } = files[which]!;
        try {
          await scanArtefact(damaged(bytes, changes), name, newFindings());
        } catch (error) {
          if (!(error instanceof VitrinaError)) throw error;
          expect(error.status).toBe(422);
        }
      }),
      { numRuns: Math.ceil(cases / 4) },
    );
  });

  it('of any pickle is disassembled to its end', { timeout }, () => {
    fc.assert(
      fc.property(fc.nat(real.length - 1), damage, (which, changes) => {
        const { bytes } = real[which]!;
        if (bytes.length > 5000) return;
        for (const line of disassemblyLines(disassemble(damaged(bytes, changes))))
          expect(line).toMatch(/^ *\d+:|^highest/);
      }),
      { numRuns: Math.ceil(cases / 10) },
    );
  });
});
