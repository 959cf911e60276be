import { InvalidArgumentError, Option } from 'commander';
import { LOG_LEVELS } from '../telemetry/log.ts';

export function logLevelOption(): Option {
  return new Option('--log-level <level>', 'how much is logged')
    .choices(LOG_LEVELS)
    .default('info')
    .env('DRYDOCK_LOG_LEVEL');
}

/** Parses a whole number within bounds, or says what is wrong. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}

export function apiServerURL(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'https:') return url;
  throw new InvalidArgumentError('It must be a URL that begins with https://.');
}
