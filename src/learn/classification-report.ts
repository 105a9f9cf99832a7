/** How well classes were told: what scikit-learn's `confusion_matrix` and `classification_report` say. */

export interface ClassFigures {
  readonly precision: number;
  readonly recall: number;
  readonly 'f1-score': number;
  /** Rows that are of the class. */
  readonly support: number;
}

/** As `classification_report(…, output_dict=True)`: by the name of the class, and the averages. */
export type ClassificationReport = Readonly<Record<string, ClassFigures | number>>;

export interface Assessment {
  /** [truth][prediction], rows of the classes that are in either. */
  readonly confusion: readonly (readonly number[])[];
  readonly report: ClassificationReport;
  /** The table that scikit-learn prints. */
  readonly text: string;
}

/**
 * Compares predicted classes with true ones. Classes that are in neither are left out; where a figure would be 0 / 0, it
 * is 0.
 * Reference: sklearn/metrics/_classification.py.
 *
 * @param names of the classes, by number
 */
export function assess(truth: Int32Array, predicted: Int32Array, names: readonly string[]): Assessment {
  const classes = [...new Set([...truth, ...predicted])].sort((a, b) => a - b);
  const places = new Map(classes.map((code, place) => [code, place]));
  const confusion = classes.map(() => new Array<number>(classes.length).fill(0));
  for (const [i, code] of truth.entries()) confusion[places.get(code)!]![places.get(predicted[i]!)!]!++;

  const rows = classes.map((code, place): readonly [string, ClassFigures] => {
    const hits = confusion[place]![place]!;
    const support = sum(confusion[place]!);
    const claimed = sum(confusion.map((row) => row[place]!));
    return [names[code]!, { ...figuresOf(hits, claimed, support), support }];
  });
  const hits = sum(classes.map((_, place) => confusion[place]![place]!));
  const accuracy = ratio(hits, truth.length);
  const macro = averageOf(rows, () => 1);
  const weighted = averageOf(rows, ({ support }) => support);
  const averages = [['macro avg', macro] as const, ['weighted avg', weighted] as const];
  return {
    confusion,
    report: Object.fromEntries([...rows, ['accuracy', accuracy], ...averages]),
    text: print(rows, accuracy, averages),
  };
}

function figuresOf(hits: number, claimed: number, support: number) {
  return {
    precision: ratio(hits, claimed),
    recall: ratio(hits, support),
    'f1-score': ratio(2 * hits, support + claimed),
  };
}

function averageOf(
  rows: readonly (readonly [string, ClassFigures])[],
  weightOf: (figures: ClassFigures) => number,
): ClassFigures {
  const weights = rows.map(([, figures]) => weightOf(figures));
  const average = (name: 'precision' | 'recall' | 'f1-score') =>
    ratio(sum(rows.map(([, figures], i) => figures[name] * weights[i]!)), sum(weights));
  return {
    precision: average('precision'),
    recall: average('recall'),
    'f1-score': average('f1-score'),
    support: sum(rows.map(([, { support }]) => support)),
  };
}

function print(
  rows: readonly (readonly [string, ClassFigures])[],
  accuracy: number,
  averages: readonly (readonly [string, ClassFigures])[],
): string {
  // Python counts characters, not units of UTF-16.
  const width = Math.max('weighted avg'.length, ...rows.map(([name]) => [...name].length));
  const line = (name: string, cells: readonly string[]) =>
    `${' '.repeat(width - [...name].length)}${name} ${cells.map((cell) => ` ${cell.padStart(9)}`).join('')}\n`;
  const show = ([name, figures]: readonly [string, ClassFigures]) => {
    const { precision, recall, 'f1-score': score, support } = figures;
    return line(name, [...[precision, recall, score].map(twoDecimals), String(support)]);
  };
  const support = String(averages[0]![1].support);
  return [
    `${line('', ['precision', 'recall', 'f1-score', 'support'])}\n`,
    ...rows.map(show),
    '\n',
    line('accuracy', ['', '', twoDecimals(accuracy), support]),
    ...averages.map(show),
  ].join('');
}

/** As Python's `.2f`: of two that are equally near the even one, where `toFixed` takes the larger. */
function twoDecimals(value: number): string {
  const eighths = value * 8;
  const isTie = Number.isInteger(eighths) && eighths % 2 !== 0;
  const below = Math.floor(value * 100);
  return isTie && below % 2 === 0 ? (below / 100).toFixed(2) : value.toFixed(2);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const ratio = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
