import { expect } from 'chai';
import fc from 'fast-check';
import { CODES, decodeReply, encodeRequest } from '../../src/agent/rebooterProtocol.ts';
import { makeReply, parseRequest, type ReplyCode } from '../testbed/machine/protocol.ts';

const ID = '0b3b7a8e-5b5c-4d52-a6fd-2f0e5f6d9a11';
const attemptIDs = fc.stringMatching(/^[A-Za-z0-9-]{0,40}$/);

describe('a request to the rebooter', () => {
  it('is laid out byte for byte as the page says', () => {
    const request = encodeRequest('reboot', ID);
    expect(request).to.have.length(64);
    expect(request.subarray(0, 4).toString('latin1')).to.equal('DRYD');
    expect([request[4], request[5]]).to.deep.equal([1, 2]);
    expect(request.subarray(6, 6 + ID.length).toString('latin1')).to.equal(ID);
    expect([...request.subarray(6 + ID.length)]).to.deep.equal(new Array(64 - 6 - ID.length).fill(0));
  });

  it('has operation 1 for a probe, and zero bytes for an attempt that it does not belong to', () => {
    const request = encodeRequest('probe', '');
    expect([...request]).to.deep.equal([0x44, 0x52, 0x59, 0x44, 1, 1, ...new Array(58).fill(0)]);
  });

  it('is read by a rebooter as it was meant, for every attempt ID', () => {
    fc.assert(
      fc.property(fc.constantFrom('probe' as const, 'reboot' as const), attemptIDs, (operation, attemptID) => {
        const read = parseRequest(encodeRequest(operation, attemptID));
        if (operation === 'reboot' && attemptID === '') expect(read).to.equal(undefined);
        else expect(read).to.deep.equal({ operation, attemptID });
      }),
    );
  });

  it('is not made of an attempt ID that has no room or other characters', () => {
    for (const attemptID of ['a'.repeat(41), 'a_b', 'a b', 'ä', 'a\0b', 'a\n']) {
      expect(() => encodeRequest('reboot', attemptID), JSON.stringify(attemptID)).to.throw(RangeError);
    }
  });
});

describe("the rebooter's reply", () => {
  const codes: ReplyCode[] = ['ok', 'unable', 'inProgress', 'malformed', 'forbidden'];
  for (const [number, code] of codes.entries()) {
    it(`is read as ${code} for code ${number}`, () => {
      const reply = decodeReply(makeReply(code, 'because of this'));
      expect(reply).to.deep.equal({ code, method: 'Testbed', reason: 'because of this' });
      expect(CODES[number]).to.equal(code);
    });
  }

  it('may fill its fields to the last byte', () => {
    const reply = makeReply('unable', 'r'.repeat(48));
    reply.write('ABCDEFGHIJ', 6, 10, 'latin1');
    expect(decodeReply(reply)).to.deep.equal({ code: 'unable', method: 'ABCDEFGHIJ', reason: 'r'.repeat(48) });
  });

  it('cannot put anything but printable ASCII into what people read', () => {
    const reply = makeReply('unable');
    reply.set([0x1b, 0x5b, 0x41, 0xff, 0x0a, 0x42], 16);
    expect(decodeReply(reply).reason).to.equal('?[A??B');
  });

  it('is none when it is short, long, of another version or of an unknown code', () => {
    const good = makeReply('ok');
    const with_ = (offset: number, value: number) => {
      const bytes = Buffer.from(good);
      bytes[offset] = value;
      return bytes;
    };
    const bad = [good.subarray(0, 63), Buffer.concat([good, Buffer.alloc(1)]), Buffer.alloc(0), Buffer.alloc(64)];
    for (const bytes of [...bad, with_(0, 0x45), with_(3, 0), with_(4, 2), with_(4, 0), with_(5, 5), with_(5, 255)]) {
      expect(() => decodeReply(bytes)).to.throw(Error);
    }
  });

  it('is never taken for ok, whatever garbage comes, unless it says so in full', () => {
    const head = Buffer.from([0x44, 0x52, 0x59, 0x44, 1, 0]);
    const nearly = fc
      .tuple(fc.uint8Array({ minLength: 58, maxLength: 58 }), fc.nat(5), fc.nat(255))
      .map(([rest, offset, value]) => {
        const bytes = Buffer.concat([head, rest]);
        bytes[offset] = value;
        return bytes;
      });
    const garbage = fc.uint8Array({ maxLength: 130 }).map((bytes) => Buffer.from(bytes));
    fc.assert(
      fc.property(fc.oneof(garbage, nearly), (bytes) => {
        let code = 'none';
        try {
          code = decodeReply(bytes).code;
        } catch {
          // no reply
        }
        if (code === 'ok') {
          expect(bytes).to.have.length(64);
          expect(bytes.subarray(0, 6).equals(head)).to.equal(true);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
