/** One HTTP exchange, whole: address, path and bytes to send in, bytes received out. */
import { type Agent, request } from 'node:http'

export type Exchange = {
  readonly address: string
  readonly port: number
  readonly path: string
  readonly send?: number
  readonly agent?: Agent
  /** Bytes a second at most while sending. */
  readonly pace?: number
}

const CHUNK = Buffer.alloc(64 * 1024, 'guise lab ')
const TIMEOUT_MS = 15_000

export function exchange(wanted: Exchange): Promise<number> {
  return new Promise((resolve, reject) => {
    const req = request({
      host: wanted.address,
      port: wanted.port,
      path: wanted.path,
      method: wanted.send === undefined ? 'GET' : 'POST',
      headers: wanted.send === undefined ? {} : { 'content-length': wanted.send },
      agent: wanted.agent ?? false,
      timeout: TIMEOUT_MS,
    })
    req.on('timeout', () =>
      req.destroy(new Error(`${wanted.address}:${wanted.port} did not answer in ${TIMEOUT_MS} ms`)),
    )
    req.on('error', reject)
    req.on('response', (answer) => {
      let bytes = 0
      answer.on('data', (chunk: Buffer) => {
        bytes += chunk.length
      })
      answer.on('end', () => resolve(bytes))
      answer.on('error', reject)
    })
    if (wanted.send === undefined) req.end()
    else sendBody(req, wanted.send, wanted.pace ?? Number.POSITIVE_INFINITY)
  })
}

function sendBody(req: ReturnType<typeof request>, total: number, pace: number): void {
  let left = total
  const next = () => {
    while (left > 0 && !req.destroyed) {
      const n = Math.min(left, CHUNK.length)
      left -= n
      const room = req.write(n === CHUNK.length ? CHUNK : CHUNK.subarray(0, n))
      if (Number.isFinite(pace)) return void setTimeout(next, (n / pace) * 1000)
      if (!room) return void req.once('drain', next)
    }
    req.end()
  }
  next()
}
