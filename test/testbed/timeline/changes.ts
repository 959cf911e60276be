/** What changed between two versions of an object, in words for people who read a failed test. */

/** Fields that change without meaning anything. */
const NOISE = new Set([
  'metadata.managedFields',
  'metadata.resourceVersion',
  'metadata.generation',
  'metadata.creationTimestamp',
  'metadata.uid',
  'spec.renewTime',
  'lastHeartbeatTime',
  'lastTransitionTime',
]);

/** Longest value that is shown whole, in characters. */
const VALUE_LENGTH = 120;

/** One text per field that differs, e.g. `spec.unschedulable: true` or `metadata.annotations["a/b"]: gone`. */
export function changes(before: unknown, after: unknown, path = ''): string[] {
  if (NOISE.has(path) || NOISE.has(path.slice(path.lastIndexOf('.') + 1))) return [];
  if (isRecord(before) && isRecord(after)) {
    const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...fields].flatMap((field) => changes(before[field], after[field], join(path, field)));
  }
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  return [`${path}: ${after === undefined ? 'gone' : shorten(JSON.stringify(after))}`];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function join(path: string, field: string): string {
  if (/^\d+$/.test(field)) return `${path}[${field}]`;
  if (!/^\w+$/.test(field)) return `${path}["${field}"]`;
  return path === '' ? field : `${path}.${field}`;
}

function shorten(text: string): string {
  return text.length <= VALUE_LENGTH ? text : `${text.slice(0, VALUE_LENGTH)}…`;
}
