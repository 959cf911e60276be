/** kubectl, and what is easiest with it. */

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { binaries } from '../build.ts';
import type { Identity } from './identity.ts';

/** Longest run of a kubectl, in milliseconds; it is killed after that. */
const TIMEOUT_MS = 60_000;

export interface KubectlOptions {
  /** Given to it as standard input. */
  stdin?: string;
  /** Who runs it. Default: the admin. */
  as?: Identity;
}

export interface KubectlResult {
  stdout: string;
  stderr: string;
  /** Exit code; 137 after a time-out. */
  code: number;
}

/** Runs kubectl as `identity`; caches go to `folder`. An exit code other than 0 is a result, not an exception. */
export async function kubectl(
  folder: string,
  identity: Identity,
  args: readonly string[],
  stdin = '',
): Promise<KubectlResult> {
  const child = spawn((await binaries()).kubectl, ['--kubeconfig', identity.kubeconfig, ...args], {
    stdio: 'pipe',
    timeout: TIMEOUT_MS,
    killSignal: 'SIGKILL',
    // Discovery is cached for minutes by server address; a bed's folder is new and so is its cache.
    env: { ...process.env, HOME: folder, KUBECACHEDIR: join(folder, 'kubectl-cache') },
  });
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 137));
  });
  // It may end before it has read everything; its exit code tells.
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  const [stdout, stderr, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { stdout, stderr, code };
}

/** Throws what kubectl said unless it succeeded; returns what it printed. */
export function succeeded(what: string, result: KubectlResult): string {
  if (result.code !== 0) throw new Error(`${what} failed with code ${result.code}: ${result.stderr.trim()}`);
  return result.stdout;
}

/** Arguments and input of kubectl that apply a manifest: the path of a file or folder, or the YAML itself. */
export function applyArguments(yamlOrPath: string): { args: string[]; stdin?: string } {
  // Force: the bed's word is final, also over what a controller under test wrote.
  const args = ['apply', '--server-side', '--force-conflicts', '--field-manager=testbed', '-f'];
  const isPath = !yamlOrPath.includes('\n') && existsSync(yamlOrPath);
  return isPath ? { args: [...args, yamlOrPath] } : { args: [...args, '-'], stdin: yamlOrPath };
}
