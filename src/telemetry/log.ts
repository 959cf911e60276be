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

/** An error as fields. */
export function errorFields(error: unknown): Fields {
  if (!(error instanceof Error)) return { error: String(error) };
  const { name, message, cause } = error;
  return { error: message, errorType: name, ...(cause instanceof Error ? { cause: cause.message } : {}) };
}
