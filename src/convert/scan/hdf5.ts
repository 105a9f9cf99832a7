import { VitrinaError } from '../../errors.js';
import type { Hdf5Group } from '../../formats/hdf5/index.js';

/** Notes beyond this number say nothing new. */
const maxNotes = 20;

/**
 * Reads all that an HDF5 file holds: every group, attribute and dataset. Types and filters that are merely not read
 * here become notes.
 *
 * @throws VitrinaError `artefact-unsafe` for links, values and filters outside of the file, `artefact-malformed`,
 *   `artefact-over-limit`
 */
export function scanHdf5(root: Hdf5Group, notes: string[]): void {
  const tolerate = (read: () => unknown): void => {
    try {
      read();
    } catch (error) {
      if (!(error instanceof VitrinaError) || error.code !== 'artefact-unsupported') throw error;
      if (notes.length < maxNotes) notes.push(error.message);
    }
  };
  const visit = (item: Hdf5Group): void => {
    for (const name of item.attributes.names()) tolerate(() => item.attributes.get(name));
    for (const name of item.names()) {
      tolerate(() => {
        const child = item.child(name)!;
        if (child.kind === 'group') {
          visit(child);
          return;
        }
        for (const attribute of child.attributes.names()) tolerate(() => child.attributes.get(attribute));
        child.read();
      });
    }
  };
  visit(root);
}
