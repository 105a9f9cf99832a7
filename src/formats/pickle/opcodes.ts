/** How the bytes after an opcode are laid out, by the names of CPython's pickletools. */
export type OpcodeArgument =
  | 'decimalnl_short'
  | 'decimalnl_long'
  | 'stringnl'
  | 'stringnl_noescape'
  | 'stringnl_noescape_pair'
  | 'unicodestringnl'
  | 'floatnl'
  | 'float8'
  | 'int4'
  | 'uint1'
  | 'uint2'
  | 'uint4'
  | 'uint8'
  | 'long1'
  | 'long4'
  | 'string1'
  | 'string4'
  | 'bytes1'
  | 'bytes4'
  | 'bytes8'
  | 'bytearray8'
  | 'unicodestring1'
  | 'unicodestring4'
  | 'unicodestring8';

/** What an opcode takes from the stack and puts on it: `1+mark>1` takes all down to the mark, and one value below. */
type StackEffect = `${0 | 1 | 2 | 3 | 'mark' | '1+mark'}>${0 | 1 | 2 | 'mark'}`;

/**
 * Every opcode of protocols 0 to 5: its byte, its argument, the protocol that brought it, its stack effect, and the
 * line that CPython's pickletools describes it with.
 */
const table = {
  MARK: [0x28, null, 0, '0>mark', 'Push markobject onto the stack.'],
  STOP: [0x2e, null, 0, '1>0', 'Stop the unpickling machine.'],
  POP: [0x30, null, 0, '1>0', 'Discard the top stack item, shrinking the stack by one item.'],
  POP_MARK: [0x31, null, 1, 'mark>0', 'Pop all the stack objects at and above the topmost markobject.'],
  DUP: [0x32, null, 0, '1>2', 'Push the top stack item onto the stack again, duplicating it.'],
  BINBYTES: [0x42, 'bytes4', 3, '0>1', 'Push a Python bytes object.'],
  SHORT_BINBYTES: [0x43, 'bytes1', 3, '0>1', 'Push a Python bytes object.'],
  FLOAT: [0x46, 'floatnl', 0, '0>1', 'Newline-terminated decimal float literal.'],
  BINFLOAT: [0x47, 'float8', 1, '0>1', 'Float stored in binary form, with 8 bytes of data.'],
  INT: [0x49, 'decimalnl_short', 0, '0>1', 'Push an integer or bool.'],
  BININT: [0x4a, 'int4', 1, '0>1', 'Push a four-byte signed integer.'],
  BININT1: [0x4b, 'uint1', 1, '0>1', 'Push a one-byte unsigned integer.'],
  LONG: [0x4c, 'decimalnl_long', 0, '0>1', 'Push a long integer.'],
  BININT2: [0x4d, 'uint2', 1, '0>1', 'Push a two-byte unsigned integer.'],
  NONE: [0x4e, null, 0, '0>1', 'Push None on the stack.'],
  PERSID: [0x50, 'stringnl_noescape', 0, '0>1', 'Push an object identified by a persistent ID.'],
  BINPERSID: [0x51, null, 1, '1>1', 'Push an object identified by a persistent ID.'],
  REDUCE: [0x52, null, 0, '2>1', 'Push an object built from a callable and an argument tuple.'],
  STRING: [0x53, 'stringnl', 0, '0>1', 'Push a Python string object.'],
  BINSTRING: [0x54, 'string4', 1, '0>1', 'Push a Python string object.'],
  SHORT_BINSTRING: [0x55, 'string1', 1, '0>1', 'Push a Python string object.'],
  UNICODE: [0x56, 'unicodestringnl', 0, '0>1', 'Push a Python Unicode string object.'],
  BINUNICODE: [0x58, 'unicodestring4', 1, '0>1', 'Push a Python Unicode string object.'],
  EMPTY_LIST: [0x5d, null, 1, '0>1', 'Push an empty list.'],
  APPEND: [0x61, null, 0, '2>1', 'Append an object to a list.'],
  BUILD: [0x62, null, 0, '2>1', 'Finish building an object, via __setstate__ or dict update.'],
  GLOBAL: [0x63, 'stringnl_noescape_pair', 0, '0>1', 'Push a global object (module.attr) on the stack.'],
  DICT: [0x64, null, 0, 'mark>1', 'Build a dict out of the topmost stack slice, after markobject.'],
  APPENDS: [0x65, null, 1, '1+mark>1', 'Extend a list by a slice of stack objects.'],
  GET: [0x67, 'decimalnl_short', 0, '0>1', 'Read an object from the memo and push it on the stack.'],
  BINGET: [0x68, 'uint1', 1, '0>1', 'Read an object from the memo and push it on the stack.'],
  INST: [0x69, 'stringnl_noescape_pair', 0, 'mark>1', 'Build a class instance.'],
  LONG_BINGET: [0x6a, 'uint4', 1, '0>1', 'Read an object from the memo and push it on the stack.'],
  LIST: [0x6c, null, 0, 'mark>1', 'Build a list out of the topmost stack slice, after markobject.'],
  OBJ: [0x6f, null, 1, 'mark>1', 'Build a class instance.'],
  PUT: [0x70, 'decimalnl_short', 0, '0>0', 'Store the stack top into the memo.  The stack is not popped.'],
  BINPUT: [0x71, 'uint1', 1, '0>0', 'Store the stack top into the memo.  The stack is not popped.'],
  LONG_BINPUT: [0x72, 'uint4', 1, '0>0', 'Store the stack top into the memo.  The stack is not popped.'],
  SETITEM: [0x73, null, 0, '3>1', 'Add a key+value pair to an existing dict.'],
  TUPLE: [0x74, null, 0, 'mark>1', 'Build a tuple out of the topmost stack slice, after markobject.'],
  SETITEMS: [0x75, null, 1, '1+mark>1', 'Add an arbitrary number of key+value pairs to an existing dict.'],
  EMPTY_DICT: [0x7d, null, 1, '0>1', 'Push an empty dict.'],
  EMPTY_TUPLE: [0x29, null, 1, '0>1', 'Push an empty tuple.'],
  PROTO: [0x80, 'uint1', 2, '0>0', 'Protocol version indicator.'],
  NEWOBJ: [0x81, null, 2, '2>1', 'Build an object instance.'],
  EXT1: [0x82, 'uint1', 2, '0>1', 'Extension code.'],
  EXT2: [0x83, 'uint2', 2, '0>1', 'Extension code.'],
  EXT4: [0x84, 'int4', 2, '0>1', 'Extension code.'],
  TUPLE1: [0x85, null, 2, '1>1', 'Build a one-tuple out of the topmost item on the stack.'],
  TUPLE2: [0x86, null, 2, '2>1', 'Build a two-tuple out of the top two items on the stack.'],
  TUPLE3: [0x87, null, 2, '3>1', 'Build a three-tuple out of the top three items on the stack.'],
  NEWTRUE: [0x88, null, 2, '0>1', 'Push True onto the stack.'],
  NEWFALSE: [0x89, null, 2, '0>1', 'Push False onto the stack.'],
  LONG1: [0x8a, 'long1', 2, '0>1', 'Long integer using one-byte length.'],
  LONG4: [0x8b, 'long4', 2, '0>1', 'Long integer using four-byte length.'],
  SHORT_BINUNICODE: [0x8c, 'unicodestring1', 4, '0>1', 'Push a Python Unicode string object.'],
  BINUNICODE8: [0x8d, 'unicodestring8', 4, '0>1', 'Push a Python Unicode string object.'],
  BINBYTES8: [0x8e, 'bytes8', 4, '0>1', 'Push a Python bytes object.'],
  EMPTY_SET: [0x8f, null, 4, '0>1', 'Push an empty set.'],
  ADDITEMS: [0x90, null, 4, '1+mark>1', 'Add an arbitrary number of items to an existing set.'],
  FROZENSET: [0x91, null, 4, 'mark>1', 'Build a frozenset out of the topmost slice, after markobject.'],
  NEWOBJ_EX: [0x92, null, 4, '3>1', 'Build an object instance.'],
  STACK_GLOBAL: [0x93, null, 4, '2>1', 'Push a global object (module.attr) on the stack.'],
  MEMOIZE: [0x94, null, 4, '1>1', 'Store the stack top into the memo.  The stack is not popped.'],
  FRAME: [0x95, 'uint8', 4, '0>0', 'Indicate the beginning of a new frame.'],
  BYTEARRAY8: [0x96, 'bytearray8', 5, '0>1', 'Push a Python bytearray object.'],
  NEXT_BUFFER: [0x97, null, 5, '0>1', 'Push an out-of-band buffer object.'],
  READONLY_BUFFER: [0x98, null, 5, '1>1', 'Make an out-of-band buffer object read-only.'],
} as const satisfies Record<string, readonly [number, OpcodeArgument | null, number, StackEffect, string]>;

export type OpcodeName = keyof typeof table;

/** Opcodes by name, for `switch`. */
export const Opcode = Object.freeze(
  Object.fromEntries(Object.entries(table).map(([name, [code]]) => [name, code])),
) as { readonly [Name in OpcodeName]: (typeof table)[Name][0] };

export interface OpcodeInfo {
  readonly name: OpcodeName;
  readonly argument: OpcodeArgument | null;
  readonly protocol: number;
  /** How many values it takes: below the mark when it takes a mark, else from the top. */
  readonly pops: number;
  readonly popsMark: boolean;
  /** How many values it puts; a mark counts as none. */
  readonly pushes: number;
  readonly description: string;
}

/** What is known of each opcode, by its byte. */
export const opcodeInfo: ReadonlyMap<number, OpcodeInfo> = new Map(
  Object.entries(table).map(([name, [code, argument, protocol, effect, description]]) => {
    const [taken = '', given] = effect.split('>');
    const info: OpcodeInfo = {
      name: name as OpcodeName,
      argument,
      protocol,
      pops: Number.parseInt(taken, 10) || 0,
      popsMark: taken.endsWith('mark'),
      pushes: given === 'mark' ? 0 : Number(given),
      description,
    };
    return [code, info];
  }),
);
