/** The keys and certificates of a control plane on loopback. */

import { generateKeyPair } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type GenerateResult, generate, type SelfsignedOptions } from 'selfsigned';

/** Elliptic curves, because a key takes 1 ms where RSA takes 100. */
const common = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const satisfies SelfsignedOptions;

/** A certificate and its private key, PEM. */
export interface CertificateAndKey {
  cert: string;
  key: string;
}

/** Files, all PEM. */
export interface Certificates {
  caFile: string;
  serverCertFile: string;
  serverKeyFile: string;
  /** RSA key pair that signs and checks ServiceAccount tokens. */
  serviceAccountKeyFile: string;
  serviceAccountPublicKeyFile: string;
  /** PEM text of the CA's certificate. */
  ca: string;
  /** A client certificate of user `name` in `groups`. */
  client(name: string, ...groups: string[]): Promise<CertificateAndKey>;
}

/** Makes everything that a control plane needs, in `folder`. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const [ca, serviceAccount] = await Promise.all([makeAuthority(), makeServiceAccountKeys()]);
  const server = await makeServerCertificate(ca);
  return {
    ca: ca.cert,
    caFile: write('ca.crt', ca.cert),
    serverCertFile: write('server.crt', server.cert),
    serverKeyFile: write('server.key', server.key),
    serviceAccountKeyFile: write('sa.key', serviceAccount.privateKey),
    serviceAccountPublicKeyFile: write('sa.pub', serviceAccount.publicKey),
    client: (name, ...groups) => makeClientCertificate(ca, name, groups),
  };
}

async function makeAuthority(): Promise<CertificateAndKey> {
  return pair(
    await generate([{ name: 'commonName', value: 'drydock-testbed' }], {
      ...common,
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, digitalSignature: true, critical: true },
      ],
    }),
  );
}

async function makeServerCertificate(ca: CertificateAndKey): Promise<CertificateAndKey> {
  return pair(
    await generate([{ name: 'commonName', value: 'kube-apiserver' }], {
      ...common,
      ca,
      extensions: [
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', serverAuth: true },
        {
          name: 'subjectAltName',
          altNames: [
            { type: 2, value: 'localhost' },
            { type: 2, value: 'kubernetes.default.svc' },
            { type: 7, ip: '127.0.0.1' },
            { type: 7, ip: '10.96.0.1' },
          ],
        },
      ],
    }),
  );
}

async function makeClientCertificate(
  ca: CertificateAndKey,
  user: string,
  groups: string[],
): Promise<CertificateAndKey> {
  // Kubernetes reads the user from the common name and each group from one organization.
  const subject = [
    { name: 'commonName', value: user },
    ...groups.map((group) => ({ name: 'organizationName', value: group })),
  ];
  return pair(
    await generate(subject, {
      ...common,
      ca,
      extensions: [
        { name: 'keyUsage', digitalSignature: true, critical: true },
        { name: 'extKeyUsage', clientAuth: true },
      ],
    }),
  );
}

const pair = (generated: GenerateResult): CertificateAndKey => ({ cert: generated.cert, key: generated.private });

function makeServiceAccountKeys(): Promise<{ privateKey: string; publicKey: string }> {
  return promisify(generateKeyPair)('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
}
