import { ANNOTATIONS } from '../../api/names.ts';
import type { Verdict } from '../model.ts';
import { readInstant } from '../policy/instant.ts';

type Annotations = Readonly<Record<string, string>> | undefined;

/** An annotation that stops things, on an object that people can see. */
export interface Stop {
  annotation: 'pause' | 'hold';
  /** Where it was found, as in "Node n1". */
  where: string;
  annotations: Annotations;
}

/**
 * What a pause or hold annotation says now. Its value is a reason and, optionally, `until=<RFC 3339>`. A value whose
 * `until` cannot be read pauses until it is mended: what a person wanted stopped is not started on a typing error.
 */
export function stopped({ annotation, where, annotations }: Stop, now: number): Verdict | null {
  const value = annotations?.[ANNOTATIONS[annotation]];
  if (value === undefined) return null;
  const code = annotation === 'pause' ? 'Paused' : 'Held';
  const { reason, until } = parse(value);
  const said = `${where} is ${code.toLowerCase()} by its annotation ${ANNOTATIONS[annotation]}${reason ? `: ${reason}` : ''}`;
  if (until === undefined) return { code, message: said };
  const end = readInstant(until);
  if (Number.isNaN(end)) {
    return { code, message: `${said}; its until=${until} is not an RFC 3339 time, so it has no end` };
  }
  return now < end ? { code, message: `${said}, until ${until}`, nextCheck: end } : null;
}

function parse(value: string): { reason: string; until?: string } {
  const until = /(?:^|\s|,)until=(\S+)/.exec(value);
  const reason = clean(value.replace(/(?:^|[\s,]+)until=\S+/, ''));
  return until?.[1] === undefined ? { reason } : { reason, until: clean(until[1]) };
}

function clean(text: string): string {
  return text
    .replace(/\p{Cc}/gu, ' ')
    .trim()
    .slice(0, 256);
}
