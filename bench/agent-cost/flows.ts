/**
 * Real conversations at an even pace, for whoever counts them: run in a namespace as `serve ADDRESS PORTS` or as
 * `ask FROM ADDRESS PORTS PER-SECOND`. A conversation is one question and its answer over UDP; the same pair of ports comes
 * again after so long that a conntrack entry of a second is gone by then.
 */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'

const FIRST_PORT = 20_000
const SOCKETS = 100
const TURN_MS = 10
const QUESTION = Buffer.alloc(180, 'q')
const ANSWER = Buffer.alloc(900, 'a')

async function bound(address: string, port: number): Promise<Socket> {
  const socket = createSocket('udp4')
  // Whoever went away is no concern of ours.
  socket.on('error', () => {})
  socket.bind(port, address)
  await once(socket, 'listening')
  return socket
}

async function serve(address: string, ports: number): Promise<void> {
  for (let i = 0; i < ports; i++) {
    const socket = await bound(address, FIRST_PORT + i)
    socket.on('message', (_, from) => socket.send(ANSWER, from.port, from.address))
  }
  process.send?.('ready')
}

/** Told by whoever started it when to begin; says each second how many it has asked and how many were answered. */
async function ask(from: string, address: string, ports: number, perSecond: number): Promise<void> {
  const count = { asked: 0, answered: 0 }
  const sockets = await Promise.all(Array.from({ length: SOCKETS }, () => bound(from, 0)))
  for (const socket of sockets) socket.on('message', () => count.answered++)
  process.send?.('ready')
  const began = performance.now()
  setInterval(() => {
    const due = ((performance.now() - began) / 1_000) * perSecond
    while (count.asked < due) {
      const n = count.asked++
      sockets[n % SOCKETS]!.send(QUESTION, FIRST_PORT + (Math.floor(n / SOCKETS) % ports), address)
    }
  }, TURN_MS)
  setInterval(() => process.send?.({ ...count }), 1_000)
}

const [role, ...args] = process.argv.slice(2)
process.on('disconnect', () => process.exit(0))
if (role === 'serve') await serve(args[0]!, Number(args[1]))
else await ask(args[0]!, args[1]!, Number(args[2]), Number(args[3]))
