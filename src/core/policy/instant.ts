/** Anything looser would take a typing error such as 5 for a day that has passed, or a time for one of this machine's zone. */
const RFC_3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;

/** Epoch milliseconds of an RFC 3339 time; NaN for anything else. */
export function readInstant(text: string): number {
  return RFC_3339.test(text) ? Date.parse(text) : Number.NaN;
}
