/**
 * Whether a Secret may be used for a URL: whether its annotation names the URL's host.
 *
 * @param allowed host names or addresses separated by commas, each with or without a port; without one, every port of
 *   the host is meant. There are no wildcards. IPv6 addresses are written as in URLs, in brackets.
 */
export function allowsHost(allowed: string, url: string): boolean {
  const { hostname, port, protocol } = new URL(url);
  const withPort = `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
  return allowed.split(',').some((entry) => [hostname, withPort].includes(entry.trim().toLowerCase()));
}
