import { VitrinaError } from '../../errors.js';
import { NumpyArray, PythonDict, PythonObject, PythonTuple, type PythonValue } from '../../formats/pickle/index.js';

/** Objects of a dictionary (by key), a list or a tuple (by position), that a user may name. */
export function listMembers(value: PythonValue): readonly (readonly [name: string, value: PythonValue])[] {
  if (value instanceof PythonDict) {
    return [...value.entries()].flatMap(([key, item]) => {
      const name = typeof key === 'string' ? key : typeof key === 'bigint' ? key.toString() : undefined;
      return name === undefined ? [] : [[name, item] as const];
    });
  }
  const items = value instanceof PythonTuple ? value.items : Array.isArray(value) ? value : [];
  return items.map((item, i) => [String(i), item] as const);
}

/** @throws model-unsupported when there is no member of this name; it lists those that there are */
export function chooseMember(value: PythonValue, member: string): PythonValue {
  const members = listMembers(value);
  const found = members.find(([name]) => name === member);
  if (found !== undefined) return found[1];
  throw new VitrinaError('model-unsupported', {
    what: `The file holds ${describeValue(value)}, and there is no "${member.slice(0, 80)}" in it`,
    next:
      members.length === 0
        ? 'leave the # and what follows away'
        : `name one of ${members
            .slice(0, 20)
            .map(([name]) => `#${name.slice(0, 40)}`)
            .join(', ')}`,
  });
}

/** A phrase for a message: "a dictionary with the keys model (sklearn.svm._classes.SVC), scaler (…)". */
export function describeValue(value: PythonValue): string {
  if (value instanceof PythonDict) {
    if (value.size === 0) return 'an empty dictionary';
    return `a dictionary with the keys ${nameMembers(value)}`;
  }
  if (value instanceof PythonTuple) return `a tuple of ${value.items.length}: ${nameMembers(value)}`;
  if (Array.isArray(value)) return `a list of ${value.length}: ${nameMembers(value)}`;
  if (value instanceof NumpyArray) return `an array of shape (${value.shape.join(', ')})`;
  if (value instanceof PythonObject) return `an object of class ${value.global.id}`;
  return value === null ? 'None' : typeof value === 'object' ? 'a single value' : `a single ${typeof value}`;
}

function nameMembers(value: PythonValue): string {
  const members = listMembers(value);
  const shown = members
    .slice(0, 10)
    .map(([name, item]) =>
      item instanceof PythonObject ? `${name.slice(0, 40)} (${item.global.id})` : name.slice(0, 40),
    );
  return members.length > 10 ? `${shown.join(', ')} and ${members.length - 10} more` : shown.join(', ');
}
