/**
 * The configuration protocol of WireGuard in user space (wireguard.com/xplatform): `get=1` and `set=1` as lines over a unix
 * socket, keys in hex. Keys travel on this socket alone, never on a command line or in a file. `node:` only.
 */
import { connect } from 'node:net'

const FOLDER = '/var/run/wireguard'
const ANSWER_WITHIN_MS = 5_000
const MAX_ANSWER = 1 << 20
const NO_KEY = '0'.repeat(64)

/** Keys as raw bytes in base64, as wg(8) writes them. */
export type Device = {
  readonly privateKey: string | null
  readonly listenPort: number
  readonly peers: readonly DevicePeer[]
}
export type DevicePeer = {
  readonly publicKey: string
  readonly presharedKey: string | null
  readonly endpoint: string | null
  readonly allowedIPs: readonly string[]
  readonly keepalive: number
  /** Unix seconds; 0 = never. */
  readonly lastHandshake: number
}

export function socketOf(name: string): string {
  return `${FOLDER}/${name}.sock`
}

export async function getDevice(name: string): Promise<Device> {
  return parseDevice(await ask(name, 'get=1\n\n'))
}

/** `lines` without the leading `set=1`. */
export async function setDevice(name: string, lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await ask(name, `set=1\n${lines.join('\n')}\n\n`)
}

export const hexOf = (base64: string) => Buffer.from(base64, 'base64').toString('hex')
const base64Of = (hex: string) => Buffer.from(hex, 'hex').toString('base64')

export function parseDevice(text: string): Device {
  let privateKey: string | null = null
  let listenPort = 0
  const peers: { -readonly [K in keyof DevicePeer]: DevicePeer[K] }[] = []
  for (const line of text.split('\n')) {
    const at = line.indexOf('=')
    const [key, value] = [line.slice(0, at), line.slice(at + 1)]
    const peer = peers.at(-1)
    if (key === 'private_key') privateKey = value === NO_KEY ? null : base64Of(value)
    else if (key === 'listen_port') listenPort = Number(value)
    else if (key === 'public_key')
      peers.push({
        publicKey: base64Of(value),
        presharedKey: null,
        endpoint: null,
        allowedIPs: [],
        keepalive: 0,
        lastHandshake: 0,
      })
    else if (peer === undefined) continue
    else if (key === 'preshared_key') peer.presharedKey = value === NO_KEY ? null : base64Of(value)
    else if (key === 'endpoint') peer.endpoint = value
    else if (key === 'allowed_ip') peer.allowedIPs = [...peer.allowedIPs, value]
    else if (key === 'persistent_keepalive_interval') peer.keepalive = Number(value)
    else if (key === 'last_handshake_time_sec') peer.lastHandshake = Number(value)
  }
  return { privateKey, listenPort, peers }
}

/** Errors name the device and the number, never what was sent. */
function ask(name: string, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketOf(name))
    let answer = ''
    const fail = (why: string) => {
      socket.destroy()
      reject(new Error(`WireGuard device ${name}: ${why}`))
    }
    socket.setTimeout(ANSWER_WITHIN_MS, () => fail(`no answer within ${ANSWER_WITHIN_MS} ms`))
    socket.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? 'it cannot be reached'))
    socket.on('close', () => fail('it closed the line'))
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1')
      if (answer.length > MAX_ANSWER) return fail('its answer is too long')
      if (!answer.endsWith('\n\n')) return
      const errno = /^errno=(-?\d+)$/m.exec(answer)?.[1]
      if (errno !== '0') return fail(`it refused the settings (errno ${errno ?? 'unknown'})`)
      resolve(answer)
      socket.destroy()
    })
    socket.write(request)
  })
}
