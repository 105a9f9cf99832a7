/**
 * A model of XGBoost as its file says it, nothing interpreted.
 *
 * - **round**: one step of boosting; **group**: the output (class, target) that a tree adds to.
 * - **margin**: the sum of the trees, before the objective's own function turns it into a prediction.
 */
export interface XgboostModel {
  /** Release that wrote it; `null` for the binary files of releases before 1.0, which do not say. */
  readonly version: readonly [major: number, minor: number, patch: number] | null;
  /** `binary:logistic` */
  readonly objective: string;
  /** Parameters of the objective, all sections together: `scale_pos_weight`, `quantile_alpha`. */
  readonly objectiveParameters: Readonly<Record<string, string>>;
  /** One value for all groups, or one each; what a prediction starts from. */
  readonly baseScore: Float32Array;
  /** Whether `baseScore` is a margin already; it is a prediction otherwise (a probability for `binary:logistic`). */
  readonly baseScoreIsMargin: boolean;
  readonly features: number;
  /** Outputs a row: classes, targets, or 1. */
  readonly groups: number;
  /** `best_iteration`, and what users set. */
  readonly attributes: ReadonlyMap<string, string>;
  /** Empty when it was trained on an array. */
  readonly featureNames: readonly string[];
  /** `c` for categorical features, `float`, `int`, … for others; empty when it was trained on an array. */
  readonly featureTypes: readonly string[];
  /** Categories of each feature by their code, `null` for other features; empty when the file keeps none (3.1 does). */
  readonly categories: readonly (readonly (string | number)[] | null)[];
  readonly booster: XgboostTrees | XgboostLinear;
}

export interface XgboostTrees {
  readonly kind: 'trees';
  readonly trees: readonly XgboostTree[];
  /** Group of each tree. */
  readonly treeGroups: Int32Array;
  /** Where the trees of each round begin, and at last where they end; `undefined` in files before 2.0. */
  readonly roundStarts: Int32Array | undefined;
  /** Trees that each round grows for each group; `undefined` where the file does not say, which means 1. */
  readonly parallelTrees: number | undefined;
  /** Of the booster `dart`: what each tree is multiplied by. */
  readonly weights: Float32Array | undefined;
}

/** A column a field, a row a node; row 0 is the root. */
export interface XgboostTree {
  /** -1 at a leaf. */
  readonly left: Int32Array;
  readonly right: Int32Array;
  readonly feature: Int32Array;
  /** Left when the feature is less than this. */
  readonly threshold: Float32Array;
  /** 1 where missing values go left. */
  readonly defaultLeft: Uint8Array;
  /** Of leaves, `leafSize` values a row. */
  readonly leaf: Float32Array;
  readonly leafSize: number;
  /** Of categorical nodes, by row: the categories that go right. */
  readonly categories: ReadonlyMap<number, Int32Array>;
}

export interface XgboostLinear {
  readonly kind: 'linear';
  /** [features + 1, groups]: the last row is the bias. */
  readonly weights: Float32Array;
}
