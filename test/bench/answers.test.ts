import { describe, expect, it } from 'vitest';
import { type AnswerForm, isRight } from '../../bench/peers/answers.js';

const number = { predict: 41.073634277635264 };
const list = { predict: [0.1, 0.7, 0.2] };
const patient = { idAtencion: 7, State: 'Sano', inferences: { Sano: 0.75, Shock_Cardiogenico: 0.25 } };

describe('isRight', () => {
  const right: [AnswerForm, unknown, unknown][] = [
    ['num', { predict: 41.0737 }, number],
    ['num', { predict: [[0.1, 0.7, 0.2]] }, list],
    ['list', [0.1, 0.70001, 0.2], list],
    ['v1', { predictions: [[41.0737]] }, number],
    ['v2', { outputs: [{ name: 'y', data: [0.1, 0.7, 0.2] }] }, list],
    ['row', { dense_1: [0.1, 0.7, 0.2] }, list],
    ['label', { predict: 'spam' }, { predict: 'spam' }],
    ['fcv', { ...patient, inferences: { Shock_Cardiogenico: 0.25001, Sano: 0.75 } }, patient],
  ];
  it.each(right)('accepts an answer in the form %s', (form, answer, expected) => {
    expect(isRight(form, answer, expected)).toBe(true);
  });

  const wrong: [string, AnswerForm, unknown, unknown][] = [
    ['a number beyond the tolerance', 'num', { predict: 41.09 }, number],
    ['a text for a number', 'num', { predict: '41.073634277635264' }, number],
    ['NaN as JSON writes it', 'num', { predict: null }, number],
    ['a value too few', 'list', [0.1, 0.7], list],
    ['a value too many', 'list', [0.1, 0.7, 0.2, 0], list],
    ['values in another order', 'v2', { outputs: [{ data: [0.7, 0.1, 0.2] }] }, list],
    ['two outputs where one is asked for', 'row', { a: [0.1, 0.7, 0.2], b: [1] }, list],
    ['the other label', 'label', { predict: 'ham' }, { predict: 'spam' }],
    ['another patient', 'fcv', { ...patient, idAtencion: 8 }, patient],
    ['another state', 'fcv', { ...patient, State: 'Shock_Cardiogenico' }, patient],
    ['a state left out', 'fcv', { ...patient, inferences: { Sano: 0.75 } }, patient],
    ['an error in its place', 'v1', { error: 'no model' }, number],
    ['nothing', 'num', null, number],
  ];
  it.each(wrong)('refuses %s', (_what, form, answer, expected) => {
    expect(isRight(form, answer, expected)).toBe(false);
  });
});
