/**
 * A server that was taken over: valid TLS, the agent's protocol, and whatever its parent tells it to send. Runs inside the
 * agent's network namespace. In over the channel: what to send, and how; out: who is connected, and every report.
 */
import { createReadStream } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:https'

export type Order =
  | { readonly send: string }
  /** Base64, as it is. */
  | { readonly bytes: string }
  /** What a file holds, and a line feed. */
  | { readonly file: string }
  /** Half a message, then the connection is gone. */
  | { readonly cut: string }
  /** A message that never ends, one byte at a time. */
  | { readonly drip: string; readonly everyMs: number }
  | { readonly redirect: string }
  | { readonly leave: true }
export type Told = { readonly port: number } | { readonly connected: boolean } | { readonly report: unknown }

const [host, key, cert] = process.argv.slice(2)
let stream: ServerResponse | null = null
let redirect: string | null = null
const tell = (told: Told) => void process.send?.(told)

const server = createServer({ key: key!, cert: cert!, minVersion: 'TLSv1.3' }, (request, response) => {
  if (request.method === 'GET') {
    if (redirect !== null) {
      response.writeHead(307, { location: redirect }).end()
      redirect = null
      return
    }
    stream = response
    response.writeHead(200, { 'content-type': 'application/x-ndjson' })
    response.flushHeaders()
    tell({ connected: true })
    response.on('close', () => {
      if (stream === response) stream = null
      tell({ connected: stream !== null })
    })
    return
  }
  const parts: Buffer[] = []
  request.on('data', (chunk: Buffer) => parts.push(chunk))
  request.on('end', () => {
    const isReport = request.url?.endsWith('/report') === true
    // Secrets and certificates are asked for, too: this one has none to give.
    response.writeHead(isReport ? 202 : 404).end('{}')
    if (!isReport) return
    tell({ report: JSON.parse(Buffer.concat(parts).toString('utf8')) })
  })
})
server.listen(0, host, () => tell({ port: (server.address() as { port: number }).port }))

process.on('message', (order: Order) => {
  if ('leave' in order) process.exit(0)
  if ('redirect' in order) {
    redirect = order.redirect
    stream?.destroy()
  } else if ('send' in order) stream?.write(`${order.send}\n`)
  else if ('bytes' in order) stream?.write(Buffer.from(order.bytes, 'base64'))
  else if ('cut' in order) stream?.write(order.cut, () => stream?.destroy())
  else if ('file' in order) {
    const to = stream
    if (to !== null)
      createReadStream(order.file)
        .on('end', () => to.write('\n'))
        .pipe(to, { end: false })
  } else drip(order.drip, order.everyMs)
})
process.on('disconnect', () => process.exit(0))

function drip(text: string, everyMs: number): void {
  const to = stream
  let at = 0
  const timer = setInterval(() => {
    if (to === null || to.destroyed) return clearInterval(timer)
    to.write(text[at++ % text.length]!)
  }, everyMs)
}
