/** Whether a server's answer says what the model's own Python output says, as `bench.py` of the peers checks it. */

/** The forms in which the servers answer: see `peers.d/README` beside them. */
export type AnswerForm = 'num' | 'list' | 'v1' | 'v2' | 'fcv' | 'label' | 'row';

/** One part in 10,000: several rivals compute in float32. */
const tolerance = 1e-4;

const isNear = (given: unknown, wanted: number) =>
  typeof given === 'number' && Math.abs(given - wanted) <= tolerance + tolerance * Math.abs(wanted);

/** `answer` is what the server sent, `expected` one of the files in `expected/`. Anything malformed is not right. */
export function isRight(form: AnswerForm, answer: unknown, expected: unknown): boolean {
  const wanted = expected as { predict?: unknown; inferences?: Record<string, number> };
  try {
    if (form === 'label') return (answer as { predict: unknown }).predict === wanted.predict;
    if (form === 'fcv') return isSamePatient(answer as Patient, expected as Patient);
    const given = numbersOf(form, answer).flat(Number.POSITIVE_INFINITY);
    const numbers = [wanted.predict].flat(Number.POSITIVE_INFINITY) as number[];
    return given.length === numbers.length && numbers.every((number, i) => isNear(given[i], number));
  } catch {
    return false;
  }
}

function numbersOf(form: Exclude<AnswerForm, 'label' | 'fcv'>, answer: unknown): unknown[] {
  switch (form) {
    case 'num':
      return [(answer as { predict: unknown }).predict];
    case 'list':
      return answer as unknown[];
    case 'v1':
      return (answer as { predictions: unknown[] }).predictions;
    case 'v2':
      return (answer as { outputs: { data: unknown[] }[] }).outputs[0]!.data;
    case 'row': {
      const outputs = Object.values(answer as Record<string, unknown>);
      if (outputs.length !== 1) throw new Error(`expected one output, got ${outputs.length}`);
      return [outputs[0]];
    }
  }
}

interface Patient {
  readonly idAtencion: number;
  readonly State: string;
  readonly inferences: Readonly<Record<string, number>>;
}

function isSamePatient(given: Patient, wanted: Patient): boolean {
  const names = Object.keys(wanted.inferences);
  return (
    given.idAtencion === wanted.idAtencion &&
    given.State === wanted.State &&
    Object.keys(given.inferences).length === names.length &&
    names.every((name) => isNear(given.inferences[name], wanted.inferences[name]!))
  );
}
