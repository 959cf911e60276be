/** Whether a merge patch with this view would change what is stored; transition times alone are no change. */
export function differs(stored: object | undefined, view: object): boolean {
  const before = (stored ?? {}) as Record<string, unknown>;
  return Object.entries(view).some(([key, value]) => canonical(before[key] ?? null) !== canonical(value ?? null));
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (key, inner: unknown) => {
    if (key === 'lastTransitionTime') return undefined;
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    const said = Object.entries(inner).filter(([, field]) => field !== null);
    return Object.fromEntries(said.sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
