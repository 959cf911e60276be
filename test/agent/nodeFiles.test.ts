import { writeFileSync } from 'node:fs';
import { expect } from 'chai';
import { nodeClaimOf } from '../../src/agent/nodeClaim.ts';
import { NodeFiles } from '../../src/agent/nodeFiles.ts';
import { failureOf } from '../support/failure.ts';
import { folderForEach } from '../support/folder.ts';

const at = folderForEach('node-');

describe('the facts of a node', () => {
  const facts = () => new NodeFiles(at('boot_id'), at('uptime'));

  it('are read from the kernel every time', async () => {
    writeFileSync(at('boot_id'), 'b-1\n');
    writeFileSync(at('uptime'), '350735.47 234388.90\n');
    const node = facts();
    expect([await node.bootID(), await node.uptime()]).to.deep.equal(['b-1', 350735.47]);
    writeFileSync(at('boot_id'), 'b-2\n');
    expect(await node.bootID()).to.equal('b-2');
  });

  it('are not known where the files are missing or say nothing', async () => {
    for (const read of [facts().bootID(), facts().uptime()])
      expect(await failureOf(read)).to.have.property('code', 'ENOENT');
    for (const text of ['\n', 'x\n', '-1 2\n', 'Infinity\n']) {
      writeFileSync(at('uptime'), text);
      expect(await failureOf(facts().uptime()), text).to.be.instanceOf(Error);
    }
    writeFileSync(at('boot_id'), '\n');
    expect(await failureOf(facts().bootID())).to.be.instanceOf(Error);
  });
});

describe('the node claim of a token', () => {
  const token = (claims: unknown) => `h.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.s`;
  const claim = (node: unknown) => token({ 'kubernetes.io': { node } });

  it('names the node that the token is bound to', () => {
    expect(nodeClaimOf(claim({ name: 'n1', uid: 'u1' }))).to.deep.equal({ name: 'n1', uid: 'u1' });
  });

  it('is missing in a token that is bound to none, or to half of one', () => {
    for (const text of [claim(undefined), claim({ name: 'n1' }), claim({ name: 'n1', uid: 7 }), token({}), token(null)])
      expect(() => nodeClaimOf(text)).to.throw('names no node');
  });

  it('cannot be read from what is no token', () => {
    for (const text of ['', 'x', 'a.b.c', 'a..c']) expect(() => nodeClaimOf(text)).to.throw('JSON Web Token');
  });
});
