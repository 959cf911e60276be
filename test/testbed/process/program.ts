/** The program under test, as the bed starts it. */

import { join } from 'node:path';

const projectRoot = join(import.meta.dirname, '..', '..', '..');

/** A program and its first arguments. */
export type Command = readonly [string, ...string[]];

/** Drydock from source, by the Node.js that runs the tests. */
export const drydock: Command = [process.execPath, join(projectRoot, 'src', 'main.ts')];
