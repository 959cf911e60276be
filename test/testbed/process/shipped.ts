/** Drydock as it ships: what is measured is the bundle, not the source. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from '../../../tools/bundle.ts';
import type { Command } from './program.ts';

let made: Promise<Command> | undefined;

/**
 * The program, bundled from the source of now as `make bundle` does it, so that no old bundle is measured by mistake.
 * It is in a folder of its own, which is removed at the end.
 */
export function shipped(): Promise<Command> {
  made ??= make();
  return made;
}

async function make(): Promise<Command> {
  const folder = mkdtempSync(join(tmpdir(), 'drydock-shipped-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  await bundle(join(import.meta.dirname, '..', '..', '..'), folder);
  return [process.execPath, join(folder, 'drydock.cjs')];
}
