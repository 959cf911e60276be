import { X509Certificate } from 'node:crypto';
import type { PrometheusGate } from '../api/generated/rebootpolicy.ts';
import { type GateSecrets, UnusableSecret } from './gateSecrets.ts';

/** How to get at a Prometheus. */
export interface Access {
  headers: Readonly<Record<string, string>>;
  /** The certificate authorities to trust; null for the public ones. */
  ca: readonly string[] | null;
  /** What must not be repeated anywhere. */
  secrets: readonly string[];
}

type Credentials = Omit<Access, 'ca'>;

const NO_CREDENTIALS: Credentials = { headers: {}, secrets: [] };
const DEFAULT_CA_KEY = 'ca.crt';
/** What a token may be made of: visible ASCII, so that it cannot end its header and begin another (RFC 9110, 5.5). */
const TOKEN = /^[\x21-\x7e]+$/;
const CONTROL = /\p{Cc}/u;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * Reads what a gate needs of Secrets.
 *
 * @throws UnusableSecret
 */
export async function accessOf(gate: PrometheusGate, secrets: GateSecrets): Promise<Access> {
  const [credentials, ca] = await Promise.all([credentialsOf(gate, secrets), authoritiesOf(gate, secrets)]);
  return { ...credentials, ca };
}

async function credentialsOf({ auth, url }: PrometheusGate, secrets: GateSecrets): Promise<Credentials> {
  if (auth?.secretName === undefined) return NO_CREDENTIALS;
  const { secretName: name } = auth;
  switch (auth.type) {
    case 'None':
      return NO_CREDENTIALS;
    case 'Bearer': {
      const [token = ''] = await secrets.read(name, ['token'], url);
      if (!TOKEN.test(token))
        throw unfit(secrets.nameOf(name, 'token'), 'a space, a line break or a special character');
      return { headers: { authorization: `Bearer ${token}` }, secrets: [token] };
    }
    case 'Basic': {
      const [username = '', password = ''] = await secrets.read(name, ['username', 'password'], url);
      if (CONTROL.test(username) || username.includes(':')) {
        throw unfit(secrets.nameOf(name, 'username'), 'a colon, a line break or another control character');
      }
      if (CONTROL.test(password)) {
        throw unfit(secrets.nameOf(name, 'password'), 'a line break or another control character');
      }
      const encoded = Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
      return { headers: { authorization: `Basic ${encoded}` }, secrets: [username, password, encoded] };
    }
  }
}

function unfit(key: string, what: string): UnusableSecret {
  return new UnusableSecret(`The ${key} holds ${what}, which cannot be sent: write it without (printf, not echo).`);
}

async function authoritiesOf({ tls, url }: PrometheusGate, secrets: GateSecrets): Promise<readonly string[] | null> {
  if (tls?.caSecret === undefined) return null;
  const { name, key = DEFAULT_CA_KEY } = tls.caSecret;
  const [text = ''] = await secrets.read(name, [key], url);
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length > 0 && certificates.every(isCertificate)) return certificates;
  throw new UnusableSecret(`The ${secrets.nameOf(name, key)} is no list of certificates in PEM: mend it.`);
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).serialNumber !== '';
  } catch {
    return false;
  }
}
