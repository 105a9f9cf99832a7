/** Where everything lies in the memory, in bytes. Readers put their tables before the bytes that they read. */

/** Rows whose keys have up to three digits: what stands before their values is in a table. */
export const shortKeys: i32 = 1000;
export const mostTexts: i32 = 16384;
export const mostFields: i32 = 64;
export const mostGathered: usize = 65536;
/** Bits of the hash of a text. */
export const slotBits: i32 = 10;
export const mostAxes: i32 = 32;
/** Numbers of a list that are read at a time. */
export const mostNumbers: i32 = 16384;
/** Exponents of ten whose powers of five are in a table. */
export const leastExponent: i32 = -27;
export const mostExponent: i32 = 55;

export const powers: usize = 1024;
export const fives: usize = powers + 23 * 8;
export const masks: usize = fives + (mostExponent - leastExponent + 1) * 16;
export const spacedKeys: usize = masks + 33 * 32;
export const compactKeys: usize = spacedKeys + shortKeys * 16;
export const slots: usize = compactKeys + shortKeys * 16;
export const texts: usize = slots + (1 << slotBits) * 4;
export const fields: usize = texts + mostTexts * 16;
export const gathered: usize = fields + mostFields * 24;
export const shape: usize = gathered + mostGathered + 64;
export const sizes: usize = shape + mostAxes * 4;
export const numbers: usize = sizes + mostAxes * 4;
export const body: usize = numbers + mostNumbers * 8;
