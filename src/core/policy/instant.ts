/** Anything looser would take a typing error such as 5 for a day that has passed, or a time for one of this machine's zone. */
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;

/** Epoch milliseconds of an RFC 3339 time; NaN for anything else. */
export function readInstant(text: string): number {
  return RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
}

/** An instant in epoch milliseconds as people read it: RFC 3339 in UTC, without milliseconds where there are none. */
export function writeInstant(instant: number): string {
  return new Date(instant).toISOString().replace('.000Z', 'Z');
}
