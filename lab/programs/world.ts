/** The outside: web sites, an archive, a clock and whatever an attacker rents, on every address routed to this namespace. */
import { createSocket } from 'node:dgram'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { readParameters, sayReady } from './parameters.ts'

const own = readParameters<{ ports: number[]; clocks: string[] }>()
const MOST_BYTES = 4_000_000
const BODY = Buffer.alloc(MOST_BYTES, 'guise outside world ')

function answer(request: IncomingMessage, response: ServerResponse): void {
  const wanted = Number(new URL(request.url ?? '/', 'http://site').searchParams.get('bytes') ?? 600)
  const bytes = Number.isFinite(wanted) ? Math.max(0, Math.min(MOST_BYTES, wanted)) : 600
  request.resume()
  request.on('end', () => {
    response.writeHead(200, { 'content-length': bytes })
    response.end(BODY.subarray(0, bytes))
  })
}

/** UDP answers must come from the address that was asked, so the clock's sockets are bound to theirs. */
function keepTime(address: string): void {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
  socket.on('message', (_, from) => {
    const reply = Buffer.alloc(48)
    reply[0] = 0x24
    socket.send(reply, from.port, from.address)
  })
  socket.on('error', (error) => console.error(String(error)))
  socket.bind(123, address)
}

own.clocks.forEach(keepTime)
let listening = 0
for (const port of own.ports)
  createServer({ keepAliveTimeout: 8_000 }, answer).listen(port, '::', () => {
    if (++listening === own.ports.length) sayReady(own)
  })
