/**
 * A text sealed to one agent: X25519 with a key used once, HKDF-SHA256, AES-256-GCM. Key and nonce both come from the
 * exchange, so nothing here is random; whoever seals brings a fresh key. `label` ties the box to its place.
 */
import { createCipheriv, createDecipheriv, createPublicKey, diffieHellman, hkdfSync, type KeyObject } from 'node:crypto'

export const PUBLIC_KEY = '^[A-Za-z0-9_-]{43}$'
const TAG = 16

/** Raw 32 bytes of an X25519 key, base64url. */
export function publicKeyText(key: KeyObject): string {
  return createPublicKey(key).export({ format: 'jwk' }).x as string
}

export function sealTo(publicKey: string, once: KeyObject, text: Buffer, label: string): string {
  const own = publicKeyText(once)
  const { key, nonce } = derive(once, publicKey, own, publicKey, label)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(label))
  const sealed = Buffer.concat([cipher.update(text), cipher.final()])
  return `${own}.${Buffer.concat([cipher.getAuthTag(), sealed]).toString('base64url')}`
}

/** Throws when it was sealed to another key, for another place, or changed on the way. */
export function openBox(privateKey: KeyObject, box: string, label: string): Buffer {
  const [sender = '', sealed = ''] = box.split('.', 2)
  if (!new RegExp(PUBLIC_KEY).test(sender)) throw new Error('this is no sealed box')
  const bytes = Buffer.from(sealed, 'base64url')
  const { key, nonce } = derive(privateKey, sender, sender, publicKeyText(privateKey), label)
  const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG })
    .setAAD(Buffer.from(label))
    .setAuthTag(bytes.subarray(0, TAG))
  return Buffer.concat([decipher.update(bytes.subarray(TAG)), decipher.final()])
}

function derive(privateKey: KeyObject, theirs: string, sender: string, receiver: string, label: string) {
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x: theirs }, format: 'jwk' })
  const shared = diffieHellman({ privateKey, publicKey })
  const bytes = Buffer.from(hkdfSync('sha256', shared, `${sender}${receiver}`, `guise secret box\0${label}`, 44))
  return { key: bytes.subarray(0, 32), nonce: bytes.subarray(32) }
}

/** Where a secret is used: an agent may not be given one under another name or version. */
export function boxLabel(
  agent: string,
  ref: { readonly secret: string; readonly version: number; readonly digest: string },
): string {
  return [agent, ref.secret, ref.version, ref.digest].join('\0')
}
