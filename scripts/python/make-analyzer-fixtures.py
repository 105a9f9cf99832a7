"""Writes test/fixtures/text/analyzers.json: the terms that scikit-learn 1.6 finds in texts, and their hashes."""

import json
import os

from sklearn.feature_extraction.text import CountVectorizer
from sklearn.utils.murmurhash import murmurhash3_bytes_s32

TEXTS = [
    "The quick brown fox, the lazy dog!",
    "Caf\u00e9 cr\u00e8me  br\u00fbl\u00e9e\tna\u00efve\n\nfa\u00e7ade \u2014 d\u00e9j\u00e0\u00a0\u2003vu",
    "\u0391\u03a3 \u039f\u0394\u03a5\u03a3\u03a3\u0395\u03a5\u03a3; \u0130stanbul stra\u00dfe",
    "\U0001f600 smile \U0001f602\U0001f602 a\U0001f600b \u65e5\u672c\u8a9e \u30c6\u30ad\u30b9\u30c8",
    "a b cd e",
    "",
    "  \n ",
    "x",
]
PARAMETERS = [
    {},
    {"ngram_range": (1, 3)},
    {"ngram_range": (2, 2), "stop_words": ["the", "fox"]},
    {"lowercase": False, "token_pattern": r"[A-Z]\w*"},
    {"strip_accents": "unicode", "token_pattern": r"(\w+)\W"},
    {"strip_accents": "ascii"},
    {"analyzer": "char"},
    {"analyzer": "char", "ngram_range": (2, 4), "strip_accents": "unicode"},
    {"analyzer": "char_wb", "ngram_range": (1, 4)},
    {"analyzer": "char_wb", "ngram_range": (5, 7), "lowercase": False},
]
WORDS = ["", "a", "ab", "abc", "abcd", "hello world", "caf\u00e9", "\u65e5\u672c\u8a9e", "\U0001f600 x", "z" * 37]

path = os.path.join(os.path.dirname(__file__), "..", "..", "test", "fixtures", "text", "analyzers.json")
with open(path, "w", encoding="ascii") as file:
    cases = [{"parameters": p, "terms": [sorted(CountVectorizer(**p).build_analyzer()(t)) for t in TEXTS]} for p in PARAMETERS]
    hashes = [[word, int(murmurhash3_bytes_s32(word.encode(), 0))] for word in WORDS]
    json.dump({"texts": TEXTS, "cases": cases, "hashes": hashes}, file)
