import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { mayImport } from '../../tools/architecture.ts';
import { findViolations } from '../../tools/check-architecture.ts';

describe('The architecture check', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'architecture-'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  /** The violations of a tree that consists of these files. */
  function check(files: Record<string, string>): string[] {
    for (const [file, text] of Object.entries(files)) {
      mkdirSync(join(root, dirname(file)), { recursive: true });
      writeFileSync(join(root, file), text);
    }
    return findViolations(root);
  }

  it('is content with a tree that keeps to it', () => {
    const found = check({
      'src/api/a.ts': 'export const a = 1;',
      'src/core/b.ts': `import { Cron } from 'croner';\nimport { a } from '../api/a.ts';\nexport const b = [a, Cron];`,
      'src/cluster/c.ts': `import { b } from '../core/b.ts';\nimport { join } from 'node:path';\nexport const c = [b, join];`,
      'src/cli/d.ts': `import { c } from '../cluster/c.ts';\nexport const d = [c, Date.now(), process.env];`,
      'src/main.ts': `import('./cli/d.ts').then(() => setTimeout(() => fetch('x'), Math.random()));`,
    });
    expect(found).to.deep.equal([]);
  });

  it('says where a violation is', () => {
    expect(check({ 'src/core/a.ts': '\n\nexport const a = Date.now();' }).join()).to.match(/^src\/core\/a\.ts:3: /);
  });

  it('reports a file that does not parse', () => {
    expect(check({ 'src/core/a.ts': 'export const = ;' }).join()).to.include('does not parse');
  });

  describe('core', () => {
    const foreign: Record<string, string> = {
      'a package': `import { z } from 'zod'; export const a = z;`,
      'a type of a package': `import type { V1Node } from '@kubernetes/client-node'; export type A = V1Node;`,
      'a type of a package in place': `export type A = import('@kubernetes/client-node').V1Node;`,
      'a package by import()': `export const a = () => import('winston');`,
      'a package by export from': `export { z } from 'zod';`,
      'all of a package by export from': `export * from 'zod';`,
      'a module of Node': `import { join } from 'node:path'; export const a = join;`,
      'a module whose name is computed': `export const a = (b: string) => import(b);`,
      'a file outside src': `import { b } from '../../tools/b.ts'; export const a = b;`,
    };
    for (const [what, text] of Object.entries(foreign)) {
      it(`may not import ${what}`, () => {
        expect(check({ 'src/core/a.ts': text, 'tools/b.ts': 'export const b = 1;' })).to.have.lengthOf(1);
      });
    }
    for (const folder of ['platform', 'cluster', 'gates', 'agent', 'controller', 'telemetry', 'cli']) {
      it(`may not import src/${folder}, not even a type`, () => {
        const found = check({
          [`src/${folder}/b.ts`]: 'export type B = 1;',
          'src/core/a.ts': `import type { B } from '../${folder}/b.ts';\nexport type A = B;`,
        });
        expect(found.join()).to.include(`src/core must not import src/${folder}`);
      });
    }
  });

  describe('outside the edges', () => {
    const worldly = [
      'Date.now()',
      "Date['now']()",
      'new Date()',
      'new Date',
      'Date()',
      'Date.now',
      '(({ now }: { now: () => number }) => now())(Date)',
      'performance.now()',
      'Temporal.Now.instant()',
      'setTimeout(() => {}, 1)',
      'setInterval(() => {}, 1)',
      'setImmediate(() => {})',
      'globalThis.setTimeout(() => {}, 1)',
      'AbortSignal.timeout(1)',
      'Math.random()',
      "Math['random']()",
      '[Math].length',
      'crypto.randomUUID()',
      'crypto.getRandomValues(new Uint8Array(1))',
      'process.env',
      'process.exit()',
      '({ process })',
      "fetch('http://localhost')",
    ];
    for (const expression of worldly) {
      it(`may not use ${expression}`, () => {
        expect(check({ 'src/cluster/a.ts': `export const a = ${expression};` })).to.have.lengthOf(1);
      });
    }

    const harmless = [
      'new Date(0)',
      "Date.parse('2026-01-01')",
      '(a: unknown) => a instanceof Date',
      '(a: Date) => a',
      'Math.max(1, 2)',
      "Temporal.Instant.from('2026-01-01T00:00Z')",
      'AbortSignal.any([])',
      '(a: { fetch(): void }) => a.fetch()',
      '{ process: 1 }',
      "'Date.now()'",
    ];
    for (const expression of harmless) {
      it(`may use ${expression}`, () => {
        expect(check({ 'src/cluster/a.ts': `export const a = ${expression};` })).to.deep.equal([]);
      });
    }

    const modules = [
      ...['node:timers', 'node:timers/promises', 'node:process', 'node:os', 'node:perf_hooks', 'node:worker_threads'],
      ...['node:fs', 'node:fs/promises', 'node:net', 'node:http', 'node:https', 'node:child_process', 'fs', 'timers'],
      ...['@kubernetes/client-node', '@kubernetes/client-node/dist/config.js', 'node:module'],
    ];
    for (const module of modules) {
      it(`may not import values of ${module}, by whatever kind of import`, () => {
        for (const text of [
          `import { a } from '${module}';`,
          `import * as a from '${module}';`,
          `import '${module}';`,
          `import { type B, a } from '${module}';`,
          `export * from '${module}';`,
          `await import('${module}');`,
        ]) {
          expect(check({ 'src/cluster/a.ts': text }), text).to.have.lengthOf(1);
        }
      });
    }

    it('may import types of the client', () => {
      expect(check({ 'src/cluster/a.ts': `import type { V1Node } from '@kubernetes/client-node';` })).to.deep.equal([]);
    });

    it('may take hashes from node:crypto, but not chance and not the whole module', () => {
      expect(check({ 'src/cluster/a.ts': `import { createHash } from 'node:crypto';` })).to.deep.equal([]);
      expect(check({ 'src/cluster/a.ts': `import { randomUUID as r } from 'node:crypto';` })).to.have.lengthOf(1);
      expect(check({ 'src/cluster/a.ts': `import * as c from 'node:crypto';` })).to.have.lengthOf(1);
      expect(check({ 'src/cluster/a.ts': `import c from 'node:crypto';` })).to.have.lengthOf(1);
    });
  });

  it('lets only the version be read from package.json', () => {
    const text = `import manifest from '../../package.json' with { type: 'json' };`;
    const found = check({ 'package.json': '{}', 'src/cli/version.ts': text, 'src/cli/other.ts': text });
    expect(found.map((line) => line.split(':')[0])).to.deep.equal(['src/cli/other.ts']);
  });

  it('keeps the folders of src in layers', () => {
    const found = check({
      'src/cluster/a.ts': `import '../controller/b.ts';`,
      'src/controller/b.ts': `import '../cli/c.ts';`,
      'src/cli/c.ts': '',
      'src/platform/d.ts': `import '../cli/c.ts';`,
      'src/api/e.ts': `import '../core/f.ts';`,
      'src/core/f.ts': '',
      'src/unheard/g.ts': `import '../api/e.ts';`,
    });
    expect(found).to.have.lengthOf(5);
  });

  it('allows no cycle between the folders of src', () => {
    const reachable = (from: string, seen = new Set<string>()): Set<string> => {
      for (const to of mayImport[from] ?? []) {
        if (!seen.has(to)) reachable(to, seen.add(to));
      }
      return seen;
    };
    for (const folder of Object.keys(mayImport)) expect([...reachable(folder)], folder).not.to.include(folder);
  });

  it('reports an import of a file that does not exist', () => {
    expect(check({ 'src/core/a.ts': `import './b.ts';` }).join()).to.include('does not exist');
  });
});
