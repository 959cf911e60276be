/** Why a gate is closed. */
export interface GateVerdict {
  code: 'ActiveAlerts' | 'GateUnanswered';
  /** A sentence for people; what others have sent is in it only quoted. */
  message: string;
}

/** Makes text from outside fit for a sentence of ours. */
export type Quote = (text: string) => string;

const TEXT_AT_MOST = 120;
/** As much as is looked at to find these characters. */
const READ_AT_MOST = 4_000;

/** A gate that cannot be asked blocks, and says why. */
export function unanswered(message: string): GateVerdict {
  return { code: 'GateUnanswered', message };
}

/** Text from outside, fit for a status: one line of at most 120 characters, without control and format characters. */
export function clean(text: string): string {
  const line = text
    .slice(0, READ_AT_MOST)
    .replace(/[\p{C}\p{Z}]+/gu, ' ')
    .trim();
  return line.length > TEXT_AT_MOST ? `${line.slice(0, TEXT_AT_MOST - 1).trimEnd()}…` : line;
}

/** Cleans text from outside, and withholds secrets that it repeats, before it is cut: no part of one is left. */
export function withholding(secrets: readonly string[]): Quote {
  const forms = secrets.flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)]);
  const longestFirst = [...new Set(forms)].filter((form) => form !== '').sort((a, b) => b.length - a.length);
  return (text) => clean(longestFirst.reduce((rest, form) => rest.replaceAll(form, '[withheld]'), text));
}
