/** What the converter and its thread say to each other. */
import type { ArtefactPart, PartOrder } from '../../convert/index.js';
import type { Conversion } from '../../signature.js';

export type ToConversion = { parts: readonly ArtefactPart[]; order: PartOrder };
export type FromConversion = { conversion: Conversion } | { error: { code: string; fields: unknown } };

/** What messages call the artefact: of several the last. */
export const fileOf = ({ parts }: ToConversion) => parts.at(-1)?.file ?? '';
