import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { generateTypes, staleTypes } from '../../tools/generate-types.ts';

const project = join(import.meta.dirname, '../..');

describe('The generated types', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'types-'));
    cpSync(join(project, 'crds'), join(root, 'crds'), { recursive: true });
    cpSync(join(project, 'src/api/generated'), join(root, 'src/api/generated'), { recursive: true });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('are what the resource definitions say now', async () => {
    expect(await staleTypes(project)).to.deep.equal([]);
  });

  it('are the same every time', async () => {
    expect([...(await generateTypes(project))]).to.deep.equal([...(await generateTypes(project))]);
  });

  it('are stale when a definition changes', async () => {
    const crd = join(root, 'crds/rebootpolicies.yaml');
    writeFileSync(crd, readFileSync(crd, 'utf8').replace('enum: [Enforce, Report]', 'enum: [Enforce, Report, Dream]'));
    expect(await staleTypes(root)).to.deep.equal(['src/api/generated/rebootpolicy.ts']);
  });

  it('are stale when edited by hand, missing, or left over', async () => {
    writeFileSync(join(root, 'src/api/generated/rebootpolicy.ts'), '// by hand\n');
    rmSync(join(root, 'src/api/generated/nodereboot.ts'));
    writeFileSync(join(root, 'src/api/generated/gone.ts'), '');
    expect((await staleTypes(root)).sort()).to.deep.equal([
      'src/api/generated/gone.ts',
      'src/api/generated/nodereboot.ts',
      'src/api/generated/rebootpolicy.ts',
    ]);
  });
});
