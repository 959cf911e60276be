/** The rebooter's side of the socket protocol (docs/rebooter-protocol.md), written from that page alone. */

/** Length of a request and of a reply, in bytes. */
export const MESSAGE_LENGTH = 64;

const MAGIC = 'DRYD';
const VERSION = 1;

export const replyCodes = { ok: 0, unable: 1, inProgress: 2, malformed: 3, forbidden: 4 } as const;
export type ReplyCode = keyof typeof replyCodes;

export interface Request {
  operation: 'probe' | 'reboot';
  /** Empty for a probe that belongs to no attempt. */
  attemptID: string;
}

/** Reads a request; undefined if it is malformed. */
export function parseRequest(bytes: Buffer): Request | undefined {
  if (bytes.length !== MESSAGE_LENGTH) return undefined;
  if (bytes.toString('latin1', 0, 4) !== MAGIC || bytes[4] !== VERSION) return undefined;
  const operation = ([undefined, 'probe', 'reboot'] as const)[bytes[5] ?? 0];
  const attemptID = readPadded(bytes.subarray(6, 46));
  const paddingIsZero = bytes.subarray(46).every((byte) => byte === 0);
  if (operation === undefined || attemptID === undefined || !paddingIsZero) return undefined;
  // The order to reboot always belongs to an attempt.
  if (operation === 'reboot' && attemptID === '') return undefined;
  return { operation, attemptID };
}

/** An attempt ID; undefined if it has other characters, or anything after its padding begins. */
function readPadded(bytes: Buffer): string | undefined {
  return /^([A-Za-z0-9-]*)\0*$/.exec(bytes.toString('latin1'))?.[1];
}

/** A reply of the rebooter that calls its method `Testbed`. */
export function makeReply(code: ReplyCode, reason = ''): Buffer {
  const reply = Buffer.alloc(MESSAGE_LENGTH);
  reply.write(MAGIC, 0, 'latin1');
  reply[4] = VERSION;
  reply[5] = replyCodes[code];
  reply.write('Testbed', 6, 10, 'latin1');
  reply.write(reason, 16, 48, 'latin1');
  return reply;
}
