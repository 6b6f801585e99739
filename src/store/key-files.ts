/**
 * The two secrets that are not in the database: the Ed25519 key that signs the ledger's head, and the key-encryption key
 * that wraps the keys of subjects. Made at the first start, 0600; whoever takes the database alone can neither forge the
 * ledger nor read what is sealed in it.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto'
import {
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { serviceUser } from './service-user.ts'

export type KeyFiles = {
  sign(message: Buffer): Buffer
  verifies(message: Buffer, signature: Buffer): boolean
  /** Keyed hash of a subject's name: finds its key without the database holding the name. */
  pseudonym(tenant: string, subject: string): string
  wrap(key: Buffer, label: string): Buffer
  unwrap(wrapped: Buffer, label: string): Buffer
}

export function loadKeyFiles(folder: string): KeyFiles {
  keysFolder(folder)
  const privateKey = createPrivateKey(
    secretFile(join(folder, 'ledger-ed25519.pem'), () => {
      const pair = generateKeyPairSync('ed25519')
      return pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    }),
  )
  const publicKey: KeyObject = createPublicKey(privateKey)
  const master = Buffer.from(
    secretFile(join(folder, 'sealing.key'), () => `${randomBytes(32).toString('base64')}\n`),
    'base64',
  )
  if (master.length !== 32) throw new Error(`${folder}/sealing.key is damaged; put back the copy from your backup`)
  const derived = (info: string) => Buffer.from(hkdfSync('sha256', master, '', info, 32))
  const wrapping = derived('guise wrapping')
  const naming = derived('guise pseudonyms')
  return {
    sign: (message) => sign(null, message, privateKey),
    verifies: (message, signature) => verify(null, message, publicKey, signature),
    pseudonym: (tenant, subject) =>
      createHmac('sha256', naming).update(`${tenant}\0${subject}`).digest('base64url').slice(0, 27),
    wrap: (key, label) => seal(wrapping, key, label),
    unwrap: (wrapped, label) => open(wrapping, wrapped, label),
  }
}

/** AES-256-GCM: 12 bytes nonce, 16 bytes tag, then the text. `label` ties it to its place. */
export function seal(key: Buffer, text: Buffer, label: string): Buffer {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(label))
  const sealed = Buffer.concat([cipher.update(text), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), sealed])
}

export function open(key: Buffer, sealed: Buffer, label: string): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12))
    .setAAD(Buffer.from(label))
    .setAuthTag(sealed.subarray(12, 28))
  return Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()])
}

export function keysFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  ours(folder)
}

/** What the file holds; made at the first call, 0600. Throws a sentence when others may read it. */
export function secretFile(path: string, make: () => string): string {
  if (!existsSync(path)) writeOnce(path, make())
  if ((statSync(path).mode & 0o077) !== 0)
    throw new Error(`${path} can be read by others; run: chmod 600 ${path}, and think about who may have read it`)
  return readFileSync(path, 'utf8')
}

/** Whole or not there, and the first of two writers wins: link(2) fails when the name exists. */
function writeOnce(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  const fd = openSync(temporary, 'wx', 0o600)
  try {
    writeSync(fd, text)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  ours(temporary)
  try {
    linkSync(temporary, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    unlinkSync(temporary)
  }
}

/** Made by root before it drops to the service user, read by that user ever after. */
function ours(path: string): void {
  const user = serviceUser()
  if (user !== null && statSync(path).uid === 0) chownSync(path, user.uid, user.gid)
}
