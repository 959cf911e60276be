import type { Clock } from '../platform/clock.ts';
import { type Fields, LOG_LEVELS, type Log, type LogLevel } from './log.ts';

/**
 * The same lines as `winstonLog` writes, without winston, which would take 2 MiB of memory on every node.
 *
 * @param write takes one line with its end
 */
export function plainLog(
  level: LogLevel,
  context: Fields,
  clock: Pick<Clock, 'now'>,
  write: (line: string) => void,
): Log {
  const writer =
    (of: LogLevel) =>
    (message: string, fields: Fields = {}): void => {
      if (LOG_LEVELS.indexOf(of) < LOG_LEVELS.indexOf(level)) return;
      const entry = { timestamp: new Date(clock.now()).toISOString(), level: of, message };
      // First, to be read first; last, so that no field takes their place.
      write(`${JSON.stringify({ ...entry, ...context, ...fields, ...entry })}\n`);
    };
  return { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') };
}
