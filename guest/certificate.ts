/** The certificate the guest serves until a persona gives it one: signed by itself, made anew for each image. */
import 'reflect-metadata' // must come before @peculiar/x509, whose container needs it
import * as x509 from '@peculiar/x509'

const DAY_MS = 86_400_000
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

export async function bootCertificate(name = 'guest.invalid'): Promise<{ certificate: string; key: string }> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const now = Date.now()
  const made = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: ALGORITHM,
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + 3_650 * DAY_MS),
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }])],
  })
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey)
  const body = Buffer.from(key)
    .toString('base64')
    .match(/.{1,64}/g)!
    .join('\n')
  return {
    certificate: `${made.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`,
  }
}
