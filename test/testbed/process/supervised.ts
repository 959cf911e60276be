/** Child processes that log to a file of their own and never outlive the process that started them. */

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { type NotYet, waitFor, within } from './wait.ts';

const supervisor = join(import.meta.dirname, 'supervise.sh');

/** Time that a killed process gets to disappear, in milliseconds. The kernel needs a few; a loaded machine more. */
const KILL_TIMEOUT_MS = 10_000;

export interface ProcessOptions {
  /** What messages call it. */
  name: string;
  command: string;
  args: readonly string[];
  /** stdout and stderr are appended to this file; its folder is made. */
  logFile: string;
  /** Added to the environment of the test runner. */
  env?: Record<string, string>;
  cwd?: string;
}

/** How a process ended. `code` is 128 + the signal's number when a signal ended it. */
export interface Exit {
  code: number;
}

/**
 * A running program.
 *
 * It does not keep the event loop of the test runner alive: a test that forgets to stop it ends all the same, and the
 * program with it.
 */
export class SupervisedProcess {
  readonly name: string;
  readonly logFile: string;
  /** Process ID of the program itself, not of its supervisor. */
  readonly pid: number;
  /** Settles when the program has ended. Never rejects. */
  readonly exited: Promise<Exit>;
  #exit: Exit | undefined;
  readonly #group: number;

  private constructor(options: ProcessOptions, child: ChildProcess, pid: number, exited: Promise<Exit>) {
    this.name = options.name;
    this.logFile = options.logFile;
    this.pid = pid;
    this.#group = child.pid as number;
    this.exited = exited.then((exit) => {
      this.#exit = exit;
      return exit;
    });
  }

  /** Starts a program. That it runs does not mean that it is ready: see `waitUntil`. */
  static async start(options: ProcessOptions): Promise<SupervisedProcess> {
    mkdirSync(dirname(options.logFile), { recursive: true });
    const log = openSync(options.logFile, 'a');
    try {
      const child = spawn('/bin/sh', [supervisor, options.command, ...options.args], {
        // A group of its own, so that one signal reaches the program, its children and the supervisor.
        detached: true,
        stdio: ['pipe', log, log, 'pipe'],
        env: { ...process.env, ...options.env },
        ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      });
      const exited = exitOf(child);
      child.unref();
      (child.stdin as Socket).unref();
      return new SupervisedProcess(options, child, await readPid(child, options.name), exited);
    } finally {
      closeSync(log);
    }
  }

  get running(): boolean {
    return this.#exit === undefined;
  }

  /** How it ended, or undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** Sends a signal to the program; does nothing when it has ended. */
  signal(signal: NodeJS.Signals): void {
    if (this.running) sendSignal(this.pid, signal);
  }

  /** Kills the program and whatever it has started (SIGKILL), and waits until it is gone. */
  async kill(): Promise<void> {
    if (this.running) sendSignal(-this.#group, 'SIGKILL');
    await within(this.exited, KILL_TIMEOUT_MS, `end of ${this.name} after SIGKILL`);
  }

  /** Asks the program to end (SIGTERM); an error with its log when it has not ended after `timeoutMs`. */
  async terminate(timeoutMs: number): Promise<Exit> {
    this.signal('SIGTERM');
    return waitFor(`end of ${this.name} after SIGTERM`, () => this.#exit, {
      timeoutMs,
      explain: () => this.logTail(),
    });
  }

  /** Waits for something that the program does; fails early, with its log, when the program ends instead. */
  waitUntil<T>(what: string, timeoutMs: number, probe: () => Promise<T | NotYet> | T | NotYet): Promise<T> {
    return waitFor(`${this.name}: ${what}`, probe, {
      timeoutMs,
      giveUp: () => (this.#exit === undefined ? undefined : `it has ended with code ${this.#exit.code}`),
      explain: () => this.logTail(),
    });
  }

  /** Everything that it has written so far. */
  log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  /** The last lines of its log, with a heading, for error messages. */
  logTail(lines = 25): string {
    const tail = this.log().trimEnd().split('\n').slice(-lines).join('\n');
    return `--- last lines of ${this.logFile}\n${tail}\n---`;
  }
}

function exitOf(child: ChildProcess): Promise<Exit> {
  return new Promise((resolve) => {
    // `error` comes when not even the shell could be started; its reason is then what readPid fails with.
    child.once('error', () => resolve({ code: 127 }));
    child.once('exit', (code, signal) => resolve({ code: code ?? (signal === 'SIGKILL' ? 137 : 143) }));
  });
}

async function readPid(child: ChildProcess, name: string): Promise<number> {
  const pipe = child.stdio[3] as Readable;
  const lines = createInterface({ input: pipe });
  try {
    for await (const line of lines) return Number(line);
  } finally {
    lines.close();
    pipe.destroy();
  }
  throw new Error(`${name}: its supervisor ended before it had started the program`);
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended by itself a moment ago and the exit event is on its way.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
