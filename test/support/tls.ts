/** Certificate authorities and servers' certificates for tests over TLS, PEM. */

import { type GenerateResult, generate, type SelfsignedOptions } from 'selfsigned';

/** Elliptic curves, because a key takes 1 ms where RSA takes 100. */
const common = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const satisfies SelfsignedOptions;

export interface CertificateAndKey {
  cert: string;
  key: string;
}

/** An authority that nobody trusts who was not told to. */
export async function privateAuthority(name = 'private CA'): Promise<CertificateAndKey> {
  return pair(
    await generate([{ name: 'commonName', value: name }], {
      ...common,
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, digitalSignature: true, critical: true },
      ],
    }),
  );
}

/** A server's certificate for an IP address. */
export async function serverCertificate(ca: CertificateAndKey, ip = '127.0.0.1'): Promise<CertificateAndKey> {
  return pair(
    await generate([{ name: 'commonName', value: 'server' }], {
      ...common,
      ca,
      extensions: [
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true },
        { name: 'subjectAltName', altNames: [{ type: 7, ip }] },
      ],
    }),
  );
}

const pair = (generated: GenerateResult): CertificateAndKey => ({ cert: generated.cert, key: generated.private });
