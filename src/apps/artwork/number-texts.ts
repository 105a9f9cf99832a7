const token = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|[{}[\]:,]|true|false|null/gy;
const space = /[ \t\n\r]*/gy;

/**
 * The numbers among the members of a JSON object, as they are written: an id of twenty digits is another one as a
 * double.
 *
 * @param json the text of an object, which has been parsed without a fault
 */
export function numberTexts(json: string): ReadonlyMap<string, string> {
  const numbers = new Map<string, string>();
  let depth = 0;
  let key: string | undefined;
  let last = '';
  let at = 0;
  for (;;) {
    space.lastIndex = at;
    space.test(json);
    token.lastIndex = space.lastIndex;
    const text = token.exec(json)?.[0];
    if (text === undefined) return numbers;
    at = token.lastIndex;
    if (text === '{' || text === '[') depth++;
    else if (text === '}' || text === ']') depth--;
    else if (depth === 1 && text === ':') key = JSON.parse(last) as string;
    else if (depth === 1 && text === ',') key = undefined;
    else if (depth === 1 && key !== undefined && /^[-\d]/.test(text)) numbers.set(key, text);
    last = text;
  }
}
