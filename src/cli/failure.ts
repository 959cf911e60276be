export const failureExitCode = 1;

/** An error that ends the process, in a line that says what went wrong. */
export function describeFailure(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return `drydock: ${message}`;
}
