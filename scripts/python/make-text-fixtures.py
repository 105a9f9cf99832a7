"""Writes test/fixtures/text: what Python's `re` and `unicodedata` make of texts, with Python 3.13 (Unicode 15.1)."""

import hashlib
import json
import os
import random
import re
import unicodedata

FOLDER = os.path.join(os.path.dirname(__file__), "..", "..", "test", "fixtures", "text")
random.seed(7)
PATTERNS = [
    r'(?u)\b\w\w+\b', r'\b\w+\b', r'\w+', r'\b[a-zA-Z]{3,}\b', r'[a-z]+', r'\S+', r'\d+', r'[^\s]+',
    r"(?u)\b\w\w+\b|!|\?|\"|\'", r"\b[a-zA-Z][a-zA-Z'-]+\b", r'(?u)\b[a-z]{2,20}\b', r"[\w']+", r'(\w+)-\w+',
    r'(?:a|ab)(?:c|bcd)?', r'a*?b', r'(a|b)+?c', r'\w+?\b', r'#\w+|@\w+|\w+', r'(?a)\w+', r'(?m)^\w+$', r'(?s).+',
    r'\b\w{2}\b', r'[^\W\d_]+', r'(?<![a-z])\d+(?!\d)', r'(?<=#)\w+', r'\w+(?=-)', r'\$?\d+(?:\.\d+)?',
    r'[\u0041-\u005a]+', r'[À-ÿ]+', r'(?P<w>\w)\w*', r'x?yz{0,2}', r'a{,3}b', r'a{2}', r'{a}', r'a{b}', r'[]a]+',
    r'[a\]b-]+', r'[\w.-]+@[\w.-]+', r'\B\w', r'\w\B', r'\A\w+', r'\w+\Z', r'\w+$', r'(?u)\b(?:[a-z]\w|\d\d)+\b',
    r'\w[\w\s]*\w', r'.', r'..', r'[^a]b', r'\bno\b|\w+n\'t', r'(?:(?:a|b)c){1,2}', r'[\d-]+', r'[a-]+', r'\x61+',
    r'(?:ab|a)(?:bc|c)', r'(?:\w+\s)+x', r'(?:a+)+b', r'\w*\d', r'(?!\bthe\b)\b\w+\b', r'[\W_]+', r'\s\s+',
    r'(?:\b\w)+', r'[a-z]\b', r'(a)|b', r'(?:[A-Z][a-z]+\s?){2,3}', r'\w{1,3}?', r'[\^$.|?*+()]+', r'😀+',
    r'[😀-😏]+', r'\u00e9+', r'(?#note)\w\w', r'[\s\S]{5}', r'\S*\d\S*', r'(?:https?://)?\w+\.com', r'(?i)[a-z]+',
    r'(?i)k|s', r'(?i)[^h-j\s]+', r'(?ia)[a-k]+',
]
LETTERS = 'aabbccxyz019_-\'#@.,!? \n\tAZé́ßİΣ😀😂中٣ñ²ªⅧ$+()[]{}"e\u0301'
TEXTS = ["".join(random.choice(LETTERS) for _ in range(random.randint(0, 40))) for _ in range(16)]
TEXTS += ['aaaa aaaab abcabcd ab-cd ef-','The quick brown fox, the END\n',"don't can't x2 3.14 $5 #tag @me a.b@c.com https://foo.com",'','😀😀😂 a😀b','KkK\u212a sS\u017f iI\u0130\u0131','x  y\u00a0z\u2003w\x1cv','aaaaab aab b']
# What Python refuses, or what would not run here exactly as there.
REFUSED = [r"(\w)(\w)", r"(\w)\1", r"a*", r"(?:a?)+", r"(?>a)b", r"a++", r"(?<=a+)b", r"(?=a+b)\w", r"(?L)\w", r"(?x)a b", "(?i)\u00e9", r"\p", r"[z-a]", r"(", r")", r"*a", r"a**", r"a{3,2}", r"[a", "\\", r"(?P<1a>b)", r"(?P=a)", r"a{2000}", r"(?:a{100}){100}", r"(?i:a)"]


def strip_unicode(text):
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def write(name, content):
    with open(os.path.join(FOLDER, name), "w", encoding="ascii") as file:
        json.dump(content, file)


assigned = [c for c in range(0x110000) if unicodedata.category(chr(c)) not in ("Cn", "Cs")]
lines = {
    "word": "".join("01"[bool(re.match(r"\w", chr(c)))] for c in range(0x110000)),
    "decimal": "".join("01"[bool(re.match(r"\d", chr(c)))] for c in range(0x110000)),
    "space": "".join("01"[bool(re.match(r"\s", chr(c)))] for c in range(0x110000)),
    "combining": "".join("01"[unicodedata.combining(chr(c)) != 0] for c in range(0x110000)),
}
write("patterns.json", {"texts": TEXTS, "refused": REFUSED, "patterns": [{"pattern": p, "found": [re.findall(p, t) for t in TEXTS]} for p in PATTERNS]})
write(
    "characters.json",
    {
        "digests": {name: hashlib.sha256(line.encode()).hexdigest() for name, line in lines.items()},
        "lower": [[c, chr(c).lower()] for c in assigned if chr(c).lower() != chr(c)],
        "sentences": [[s, s.lower(), strip_unicode(s), unicodedata.normalize("NFKD", s).encode("ascii", "ignore").decode()] for s in ["Caf\u00e9 cr\u00e8me br\u00fbl\u00e9e", "\u0391\u03a3 \u039f\u0394\u03a5\u03a3\u03a3\u0395\u03a5\u03a3 \u03a3 A\u03a3B \u03a3\u0301", "\u0130stanbul ISPARTA stra\u00dfe \u1e9e", "e\u0301te\u0301 \ufb01nd \u2167 \u00bd x\u00b2 \u2126", "\uff41\uff42 \ud55c\uad6d\uc5b4 \u30c6\u30ad\u30b9\u30c8", "\U0001f600 \U0001d400 \U00010400", "a\u0345\u0301 \u0b95\u0bcd"]],
    },
)
