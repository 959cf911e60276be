/** The messages of `docs/rebooter-protocol.md`: 64 bytes each way. */

export const MESSAGE_BYTES = 64;
const MAGIC = 'DRYD';
const VERSION = 1;
const ATTEMPT_OFFSET = 6;
const ATTEMPT_BYTES = 40;
const METHOD_OFFSET = 6;
const REASON_OFFSET = 16;

export const OPERATIONS = { probe: 1, reboot: 2 } as const;
export type Operation = keyof typeof OPERATIONS;

export const CODES = ['ok', 'unable', 'inProgress', 'malformed', 'forbidden'] as const;
export type Code = (typeof CODES)[number];

export interface Reply {
  code: Code;
  method: string;
  reason: string;
}

/** @throws RangeError when the attempt ID is too long or has other characters than letters, digits and `-` */
export function encodeRequest(operation: Operation, attemptID: string): Buffer {
  if (!/^[A-Za-z0-9-]{0,40}$/.test(attemptID)) throw new RangeError(`not an attempt ID: ${attemptID}`);
  const message = Buffer.alloc(MESSAGE_BYTES);
  message.write(MAGIC, 0, 'ascii');
  message.writeUInt8(VERSION, 4);
  message.writeUInt8(OPERATIONS[operation], 5);
  message.write(attemptID, ATTEMPT_OFFSET, ATTEMPT_BYTES, 'ascii');
  return message;
}

/** @throws Error when this is no reply of a version that we know */
export function decodeReply(message: Buffer): Reply {
  if (message.length !== MESSAGE_BYTES) throw new Error(`the rebooter's reply has ${message.length} bytes`);
  if (message.toString('latin1', 0, 4) !== MAGIC || message.readUInt8(4) !== VERSION) {
    throw new Error('the rebooter speaks another protocol');
  }
  const code = CODES[message.readUInt8(5)];
  if (code === undefined) throw new Error(`the rebooter answered with code ${message.readUInt8(5)}`);
  return {
    code,
    method: text(message.subarray(METHOD_OFFSET, REASON_OFFSET)),
    reason: text(message.subarray(REASON_OFFSET)),
  };
}

function text(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end < 0 ? bytes.length : end).replace(/[^\x20-\x7e]/g, '?');
}
