/** Hand-made pickles: each part is the bytes of one or more opcodes, as Latin-1. */
export const pickle = (...parts: readonly string[]): Buffer => Buffer.from(parts.join(''), 'latin1');

/** GLOBAL. */
export const global = (module: string, name: string) => `c${module}\n${name}\n`;

/** SHORT_BINUNICODE. */
export const text = (value: string) => `\x8c${String.fromCharCode(value.length)}${value}`;

/** STACK_GLOBAL. */
export const stackGlobal = (module: string, name: string) => `${text(module)}${text(name)}\x93`;

export const uint32 = (value: number): string => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes.toString('latin1');
};

export const uint64 = (value: bigint): string => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes.toString('latin1');
};
