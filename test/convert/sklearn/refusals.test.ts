import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { convertPickle } from '../../../src/convert/index.js';
import { VitrinaError } from '../../../src/errors.js';

const file = join(import.meta.dirname, '../../fixtures/python/refused-estimators.json');
const cases = JSON.parse(readFileSync(file, 'utf8')) as (readonly [name: string, base64: string, why: string])[];

describe('convertPickle', () => {
  it.each(cases)('refuses %s by name', (_, base64, why) => {
    let thrown: unknown;
    try {
      convertPickle(Buffer.from(base64, 'base64'));
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(VitrinaError);
    expect((thrown as VitrinaError).message).toContain(why);
    expect((thrown as VitrinaError).status).toBe(422);
  });
});
