/**
 * A neighbour's transfer, counted packet by packet. `receive PORT` prints how many distinct sequence numbers it saw when
 * its standard input ends; `send ADDRESS PORT PER_SECOND` sends numbered datagrams until then and prints how many.
 */
import { createSocket } from 'node:dgram'

const [role, ...args] = process.argv.slice(2)
const ended = new Promise<void>((resolve) => process.stdin.resume().on('end', resolve))
const socket = createSocket(args[0]?.includes(':') === true ? 'udp6' : 'udp4')

if (role === 'receive') {
  const seen = new Set<number>()
  socket.on('message', (message) => seen.add(message.readUInt32LE(0)))
  socket.bind(Number(args[0]), () => process.stdout.write('ready\n'))
  await ended
  process.stdout.write(`${seen.size}\n`)
} else {
  const [address, port, perSecond] = [args[0]!, Number(args[1]), Number(args[2])]
  let sent = 0
  const timer = setInterval(() => {
    const message = Buffer.alloc(200)
    message.writeUInt32LE(sent++)
    socket.send(message, port, address)
  }, 1_000 / perSecond)
  await ended
  clearInterval(timer)
  process.stdout.write(`${sent}\n`)
}
socket.close()
