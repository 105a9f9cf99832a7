/** What messages of one language are made of. */
export interface PhraseBook {
  /** Rows that the corpus has of the language. */
  readonly rows: number;
  /** Lists to choose from, by the name that templates call them. */
  readonly slots: Readonly<Record<string, readonly string[]>>;
  readonly ham: Phrases;
  readonly spam: Phrases;
  /** What senders of either kind write, word for word: nothing but a guess tells these apart. */
  readonly either: readonly string[];
  /** Spellings of people in a hurry, by the word in lower case. */
  readonly short: Readonly<Record<string, string>>;
}

/** Templates: `{slot}` is one of a slot, which may hold templates itself; `#` is a digit, `~` a letter. */
export interface Phrases {
  readonly openings: readonly string[];
  readonly bodies: readonly string[];
  readonly endings: readonly string[];
}
