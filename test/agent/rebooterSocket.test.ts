import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { RebooterSocket } from '../../src/agent/rebooterSocket.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { makeReply } from '../testbed/machine/protocol.ts';
import { type Rebootable, Rebooter } from '../testbed/machine/rebooter.ts';

class Machine implements Rebootable {
  rebooting = false;
  beginReboot(): void {
    this.rebooting = true;
  }
}

describe('the socket of the rebooter', () => {
  let folder: string;
  let path: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'rb-'));
    path = join(folder, 's');
  });
  after(() => rmSync(folder, { recursive: true }));

  const socket = (timeoutMs = 1_000) => new RebooterSocket(path, systemClock, timeoutMs);

  describe('with a rebooter', () => {
    let machine: Machine;
    let rebooter: Rebooter;
    beforeEach(async () => {
      machine = new Machine();
      rebooter = await Rebooter.listen(path, machine);
    });
    afterEach(() => rebooter.close());

    it('probes for an attempt', async () => {
      expect(await socket().probe('a-1')).to.deep.equal({ able: true, method: 'Testbed' });
      expect(rebooter.probes).to.deep.equal(['a-1']);
      expect(rebooter.orders).to.deep.equal([]);
    });

    it('passes on why a reboot is not possible', async () => {
      rebooter.onProbe = { code: 'unable', reason: 'no D-Bus' };
      expect(await socket().probe('')).to.deep.equal({ able: false, method: 'Testbed', reason: 'no D-Bus' });
      rebooter.onProbe = { code: 'forbidden', reason: '' };
      expect(await socket().probe('')).to.deep.include({ able: false, reason: 'forbidden' });
    });

    it('is not able while the rebooter hangs', async () => {
      rebooter.onProbe = 'hang';
      expect(await socket(30).probe('')).to.deep.equal({
        able: false,
        reason: 'the rebooter does not answer: no reply within 30 ms',
      });
    });

    it('orders', async () => {
      expect(await socket().order('a-1')).to.deep.equal({ kind: 'ordered' });
      expect(rebooter.orders.map(({ attemptID }) => attemptID)).to.deep.equal(['a-1']);
    });

    for (const code of ['unable', 'malformed', 'forbidden'] as const) {
      it(`knows that nothing was ordered when the rebooter answers ${code}`, async () => {
        rebooter.onOrder = { code, reason: 'inhibited by dpkg' };
        const reason = 'the rebooter refused: inhibited by dpkg';
        expect(await socket().order('a-1')).to.deep.equal({ kind: 'refused', reason });
      });
    }

    it('does not know the outcome when a shutdown is under way', async () => {
      rebooter.onOrder = { code: 'inProgress', reason: '' };
      expect(await socket().order('a-1')).to.deep.equal({ kind: 'unknown', why: 'a shutdown is already under way' });
    });

    for (const behaviour of ['obey without a reply', 'ignore without a reply', 'hang'] as const) {
      it(`does not know the outcome when the rebooter chooses to ${behaviour}`, async () => {
        rebooter.onOrder = behaviour;
        expect(await socket(50).order('a-1')).to.have.property('kind', 'unknown');
        expect(rebooter.orders).to.have.length(1);
      });
    }
  });

  it('knows that nothing was ordered when nobody listens', async () => {
    const outcome = await socket().order('a-1');
    expect(outcome).to.have.property('kind', 'refused');
    expect(outcome)
      .to.have.property('reason')
      .that.matches(/^the rebooter could not be asked: .*ENOENT/);
    expect(await socket().probe('')).to.have.property('able', false);
  });

  it('knows that nothing was ordered when the attempt ID fits into no request', async () => {
    const outcome = await socket().order('not an attempt');
    expect(outcome).to.deep.equal({
      kind: 'refused',
      reason: 'the rebooter could not be asked: not an attempt ID: not an attempt',
    });
  });

  describe('with something else behind it', () => {
    let server: Server;
    const open = new Set<Socket>();
    afterEach(() => {
      for (const one of open) one.destroy();
      server.close();
    });
    const behaves = async (behave: (peer: Socket) => void) => {
      server = createServer((peer) => {
        open.add(peer);
        peer.on('error', () => peer.destroy());
        behave(peer);
      });
      await new Promise<void>((resolve) => server.listen(path, resolve));
    };
    const replies = async (bytes: Buffer) => {
      await behaves((peer) => peer.once('data', () => peer.end(bytes)));
      return await socket(300).order('a-1');
    };

    it('does not know the outcome of half a reply', async () => {
      expect(await replies(makeReply('ok').subarray(0, 30))).to.deep.equal({
        kind: 'unknown',
        why: "the rebooter's reply has 30 bytes",
      });
    });

    it('does not know the outcome of a reply with something behind it', async () => {
      expect(await replies(Buffer.concat([makeReply('ok'), Buffer.alloc(1)]))).to.have.property('kind', 'unknown');
    });

    it('does not know the outcome of garbage', async () => {
      expect(await replies(Buffer.alloc(64, 'x'))).to.have.property('kind', 'unknown');
    });

    it('does not know the outcome when it is hung up on', async () => {
      await behaves((peer) => void peer.destroy());
      expect(await socket(300).order('a-1')).to.have.property('kind', 'unknown');
    });

    it('takes a reply in pieces', async () => {
      await behaves((peer) =>
        peer.once('data', () => {
          const reply = makeReply('ok');
          peer.write(reply.subarray(0, 10));
          setTimeout(() => peer.end(reply.subarray(10)), 5);
        }),
      );
      expect(await socket().order('a-1')).to.deep.equal({ kind: 'ordered' });
    });
  });
});
