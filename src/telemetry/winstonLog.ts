import winston from 'winston';
import type { Fields, Log, LogLevel } from './log.ts';

/** JSON lines on standard output, one an entry, with `timestamp`, `level`, `message` and the fields. */
export function winstonLog(level: LogLevel, fields: Fields): Log {
  const { combine, timestamp, json } = winston.format;
  return winston.createLogger({
    level,
    defaultMeta: fields,
    format: combine(timestamp(), json()),
    transports: [new winston.transports.Console()],
  });
}
