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

/** Every opcode of protocols 0 to 5: its byte, its argument, the protocol that brought it. */
const table = {
  MARK: [0x28, null, 0],
  STOP: [0x2e, null, 0],
  POP: [0x30, null, 0],
  POP_MARK: [0x31, null, 1],
  DUP: [0x32, null, 0],
  BINBYTES: [0x42, 'bytes4', 3],
  SHORT_BINBYTES: [0x43, 'bytes1', 3],
  FLOAT: [0x46, 'floatnl', 0],
  BINFLOAT: [0x47, 'float8', 1],
  INT: [0x49, 'decimalnl_short', 0],
  BININT: [0x4a, 'int4', 1],
  BININT1: [0x4b, 'uint1', 1],
  LONG: [0x4c, 'decimalnl_long', 0],
  BININT2: [0x4d, 'uint2', 1],
  NONE: [0x4e, null, 0],
  PERSID: [0x50, 'stringnl_noescape', 0],
  BINPERSID: [0x51, null, 1],
  REDUCE: [0x52, null, 0],
  STRING: [0x53, 'stringnl', 0],
  BINSTRING: [0x54, 'string4', 1],
  SHORT_BINSTRING: [0x55, 'string1', 1],
  UNICODE: [0x56, 'unicodestringnl', 0],
  BINUNICODE: [0x58, 'unicodestring4', 1],
  EMPTY_LIST: [0x5d, null, 1],
  APPEND: [0x61, null, 0],
  BUILD: [0x62, null, 0],
  GLOBAL: [0x63, 'stringnl_noescape_pair', 0],
  DICT: [0x64, null, 0],
  APPENDS: [0x65, null, 1],
  GET: [0x67, 'decimalnl_short', 0],
  BINGET: [0x68, 'uint1', 1],
  INST: [0x69, 'stringnl_noescape_pair', 0],
  LONG_BINGET: [0x6a, 'uint4', 1],
  LIST: [0x6c, null, 0],
  OBJ: [0x6f, null, 1],
  PUT: [0x70, 'decimalnl_short', 0],
  BINPUT: [0x71, 'uint1', 1],
  LONG_BINPUT: [0x72, 'uint4', 1],
  SETITEM: [0x73, null, 0],
  TUPLE: [0x74, null, 0],
  SETITEMS: [0x75, null, 1],
  EMPTY_DICT: [0x7d, null, 1],
  EMPTY_TUPLE: [0x29, null, 1],
  PROTO: [0x80, 'uint1', 2],
  NEWOBJ: [0x81, null, 2],
  EXT1: [0x82, 'uint1', 2],
  EXT2: [0x83, 'uint2', 2],
  EXT4: [0x84, 'int4', 2],
  TUPLE1: [0x85, null, 2],
  TUPLE2: [0x86, null, 2],
  TUPLE3: [0x87, null, 2],
  NEWTRUE: [0x88, null, 2],
  NEWFALSE: [0x89, null, 2],
  LONG1: [0x8a, 'long1', 2],
  LONG4: [0x8b, 'long4', 2],
  SHORT_BINUNICODE: [0x8c, 'unicodestring1', 4],
  BINUNICODE8: [0x8d, 'unicodestring8', 4],
  BINBYTES8: [0x8e, 'bytes8', 4],
  EMPTY_SET: [0x8f, null, 4],
  ADDITEMS: [0x90, null, 4],
  FROZENSET: [0x91, null, 4],
  NEWOBJ_EX: [0x92, null, 4],
  STACK_GLOBAL: [0x93, null, 4],
  MEMOIZE: [0x94, null, 4],
  FRAME: [0x95, 'uint8', 4],
  BYTEARRAY8: [0x96, 'bytearray8', 5],
  NEXT_BUFFER: [0x97, null, 5],
  READONLY_BUFFER: [0x98, null, 5],
} as const satisfies Record<string, readonly [number, OpcodeArgument | null, number]>;

export type OpcodeName = keyof typeof table;

/** Opcodes by name, for `switch`. */
export const Opcode = Object.freeze(
  Object.fromEntries(Object.entries(table).map(([name, [code]]) => [name, code])),
) as { readonly [Name in OpcodeName]: (typeof table)[Name][0] };

export interface OpcodeInfo {
  readonly name: OpcodeName;
  readonly argument: OpcodeArgument | null;
  readonly protocol: number;
}

/** What is known of each opcode, by its byte. */
export const opcodeInfo: ReadonlyMap<number, OpcodeInfo> = new Map(
  Object.entries(table).map(([name, [code, argument, protocol]]) => [
    code,
    { name: name as OpcodeName, argument, protocol },
  ]),
);
