import {
  type Transport,
  TransportError,
  type TransportRequest,
  type TransportResponse,
  type TransportStream,
} from '../../src/platform/transport.ts';

/** What a request is answered with: a status and a body, or the error of a connection that died. */
export type Answer = { status?: number; body?: unknown; headers?: Record<string, string> } | Error;

/** The spec that a patch sent, as an API server that keeps all of it answers it. */
export function sentSpec(request: TransportRequest): { spec?: object } {
  const { spec } = bodyOf(request) as { spec?: object };
  return spec === undefined ? {} : { spec };
}

/** A way to an API server that answers as the test says, and remembers what it was asked. */
export class ScriptedTransport implements Transport {
  readonly requests: TransportRequest[] = [];
  readonly streams: ScriptedStream[] = [];
  /** Answers requests; it may take its time. */
  answer: (request: TransportRequest) => Answer | Promise<Answer> = () => ({});
  /** Answers the opening of streams: with a status other than 200 and a body, or an error. */
  answerStream: (path: string) => Answer = () => ({});

  async request(request: TransportRequest): Promise<TransportResponse> {
    this.requests.push(request);
    const answer = await this.answer(request);
    if (answer instanceof Error) throw answer;
    const { status = 200, headers = {}, body = {} } = answer;
    return { status, headers, body: typeof body === 'string' ? body : JSON.stringify(body) };
  }

  async stream(path: string, idleMs: number, signal: AbortSignal): Promise<TransportStream> {
    const stream = new ScriptedStream(path, idleMs);
    this.streams.push(stream);
    const answer = this.answerStream(path);
    if (answer instanceof Error) throw answer;
    if (answer.status !== undefined && answer.status !== 200) {
      stream.status = answer.status;
      stream.line(answer.body ?? {});
      stream.end();
    }
    signal.addEventListener('abort', () => stream.cut('aborted'));
    return stream;
  }

  /** The stream that was opened last. */
  get last(): ScriptedStream {
    const stream = this.streams.at(-1);
    if (stream === undefined) throw new Error('no stream was opened');
    return stream;
  }
}

/** One long-lived answer, written by the test line by line. */
export class ScriptedStream implements TransportStream {
  readonly path: string;
  readonly idleMs: number;
  status = 200;
  closed = false;
  readonly #lines: (string | Error | null)[] = [];
  #wake: () => void = () => undefined;

  constructor(path: string, idleMs: number) {
    this.path = path;
    this.idleMs = idleMs;
  }

  get query(): URLSearchParams {
    return new URLSearchParams(this.path.split('?')[1]);
  }

  get lines(): AsyncIterable<string> {
    return this.#read();
  }

  line(value: unknown): void {
    this.#push(typeof value === 'string' ? value : JSON.stringify(value));
  }

  /** The server closes in order. */
  end(): void {
    this.#push(null);
  }

  /** The connection dies. */
  cut(why = 'the connection was cut'): void {
    this.#push(new TransportError(why));
  }

  close(): void {
    this.closed = true;
  }

  #push(line: string | Error | null): void {
    this.#lines.push(line);
    this.#wake();
  }

  async *#read(): AsyncGenerator<string> {
    for (;;) {
      const line = this.#lines.shift();
      if (line === null) return;
      if (line instanceof Error) throw line;
      if (line !== undefined) yield line;
      else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}

/** The body of a request, read. */
export function bodyOf({ body }: TransportRequest): unknown {
  return JSON.parse(body ?? 'null');
}

/** What the API server says when it refuses. */
export function status(code: number, reason: string, message = reason, details: object = {}): Answer {
  return { status: code, body: { kind: 'Status', status: 'Failure', code, reason, message, details } };
}
