import winston from 'winston';

export type Fields = Readonly<Record<string, unknown>>;

/** Structured log lines: a constant message, and fields. */
export interface Log {
  debug(message: string, fields?: Fields): void;
  info(message: string, fields?: Fields): void;
  warn(message: string, fields?: Fields): void;
  error(message: string, fields?: Fields): void;
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** JSON lines on standard output, one an entry, with `timestamp`, `level`, `message` and the fields. */
export function createLog(level: LogLevel, fields: Fields): Log {
  const { combine, timestamp, json } = winston.format;
  return winston.createLogger({
    level,
    defaultMeta: fields,
    format: combine(timestamp(), json()),
    transports: [new winston.transports.Console()],
  });
}

/** An error as fields. */
export function errorFields(error: unknown): Fields {
  if (!(error instanceof Error)) return { error: String(error) };
  const { name, message, cause } = error;
  return { error: message, errorType: name, ...(cause instanceof Error ? { cause: cause.message } : {}) };
}
