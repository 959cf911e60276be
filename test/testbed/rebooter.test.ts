import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { expect } from 'chai';
import { Rebooter } from './machine/rebooter.ts';

/** A request, byte for byte as docs/rebooter-protocol.md has it. */
function request(operation: number, attemptID: string): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.write('DRYD', 0);
  bytes[4] = 1;
  bytes[5] = operation;
  bytes.write(attemptID, 6);
  return bytes;
}

describe('the rebooter of the test bed', () => {
  let folder: string;
  let rebooter: Rebooter;
  let machine: { rebooting: boolean; beginReboot: () => void };

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'drydock-test-'));
    machine = {
      rebooting: false,
      beginReboot() {
        this.rebooting = true;
      },
    };
    rebooter = await Rebooter.listen(join(folder, 'sock'), machine);
  });

  afterEach(async () => {
    await rebooter.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('answers a probe with ok and its method, and does nothing', async () => {
    const reply = await ask(request(1, ''));
    expect(reply).to.have.length(64);
    expect(reply.toString('latin1', 0, 4)).to.equal('DRYD');
    expect([reply[4], reply[5]]).to.deep.equal([1, 0]);
    expect(reply.toString('latin1', 6, 16)).to.equal('Testbed\0\0\0');
    expect(reply.subarray(16).every((byte) => byte === 0)).to.equal(true);
    expect(rebooter.probes).to.deep.equal(['']);
    expect(machine.rebooting).to.equal(false);
  });

  it('reboots once however often it is told', async () => {
    expect((await ask(request(2, 'a-1')))[5]).to.equal(0);
    expect(machine.rebooting).to.equal(true);
    expect((await ask(request(2, 'a-1')))[5]).to.equal(2);
    expect(rebooter.orders.map(({ attemptID }) => attemptID)).to.deep.equal(['a-1', 'a-1']);
  });

  it('takes a request that comes in pieces', async () => {
    const bytes = request(2, 'a-1');
    expect((await ask(bytes.subarray(0, 10), bytes.subarray(10)))[5]).to.equal(0);
  });

  it('takes an attempt ID of the full forty bytes', async () => {
    expect((await ask(request(2, 'x'.repeat(40))))[5]).to.equal(0);
    expect(rebooter.orders[0]?.attemptID).to.equal('x'.repeat(40));
  });

  const change = (offset: number, value: number): Buffer => {
    const bytes = request(2, 'a-1');
    bytes[offset] = value;
    return bytes;
  };
  const malformed: Record<string, Buffer> = {
    'another magic': change(0, 0x64),
    'another version': change(4, 2),
    'another operation': change(5, 3),
    'an attempt ID of other characters': change(7, 0x20),
    'an attempt ID that goes on after its padding': change(20, 0x61),
    'padding that is not zero': change(63, 1),
    'a byte too many': Buffer.concat([request(2, 'a-1'), Buffer.alloc(1)]),
    'an order without an attempt': request(2, ''),
  };
  for (const [what, bytes] of Object.entries(malformed)) {
    it(`calls a request with ${what} malformed and does nothing`, async () => {
      expect((await ask(bytes))[5]).to.equal(3);
      expect(rebooter.orders).to.be.empty;
      expect(machine.rebooting).to.equal(false);
    });
  }

  it('closes the connection on a request that is too short', async () => {
    expect(await ask(request(2, 'a-1').subarray(0, 63))).to.have.length(0);
    expect(machine.rebooting).to.equal(false);
  });

  it('refuses with the code and the reason that the test gives', async () => {
    rebooter.onProbe = { code: 'unable', reason: 'inhibited by apt' };
    rebooter.onOrder = { code: 'forbidden', reason: '' };
    const reply = await ask(request(1, 'a-1'));
    expect(reply[5]).to.equal(1);
    expect(reply.toString('latin1', 16).replace(/\0*$/, '')).to.equal('inhibited by apt');
    expect((await ask(request(2, 'a-1')))[5]).to.equal(4);
    expect(machine.rebooting).to.equal(false);
    expect(rebooter.orders).to.have.length(1);
  });

  it('drops its reply, with or without rebooting', async () => {
    rebooter.onOrder = 'ignore without a reply';
    expect(await ask(request(2, 'a-1'))).to.have.length(0);
    expect(machine.rebooting).to.equal(false);
    rebooter.onOrder = 'obey without a reply';
    expect(await ask(request(2, 'a-1'))).to.have.length(0);
    expect(machine.rebooting).to.equal(true);
  });

  it('replies ok and does nothing if it is to ignore the order', async () => {
    rebooter.onOrder = 'ignore';
    expect((await ask(request(2, 'a-1')))[5]).to.equal(0);
    expect(machine.rebooting).to.equal(false);
  });

  it('hangs for the whole time limit if it is to', async function () {
    this.timeout(20_000);
    rebooter.onOrder = 'hang';
    const started = Date.now();
    expect(await ask(request(2, 'a-1'))).to.have.length(0);
    expect(Date.now() - started).to.be.within(9_500, 15_000);
  });

  it('refuses a path that the kernel would cut off', async () => {
    const error = await Rebooter.listen(`/tmp/${'x'.repeat(104)}`, machine).catch((e: Error) => e);
    expect(error).to.be.an('error').with.property('message').that.contains('too long');
  });

  /** Sends the pieces, keeps the connection open for the reply, and returns everything that comes. */
  async function ask(...pieces: Buffer[]): Promise<Buffer> {
    const socket = connect({ path: rebooter.socketPath, allowHalfOpen: true });
    for (const piece of pieces) {
      await new Promise((resolve) => socket.write(piece, resolve));
      if (pieces.length > 1) await new Promise((resolve) => setTimeout(resolve, 20));
    }
    // Only what is too short needs to be told that nothing follows.
    if (pieces.reduce((sum, piece) => sum + piece.length, 0) < 64) socket.end();
    const reply = await buffer(socket);
    socket.destroy();
    return reply;
  }
});
