/** A key-value database over TCP, one command a line (`get KEY`, `set KEY LENGTH`): what a cache or store looks like. */
import { createServer } from 'node:net'
import { between, randomOf, readParameters, sayReady } from './parameters.ts'

const own = readParameters<{ port: number; valueBytes: number }>()
const random = randomOf(own)
const MOST_BYTES = 64 * 1024
const VALUE = 'v'.repeat(MOST_BYTES)

createServer((socket) => {
  let pending = ''
  socket.setEncoding('latin1')
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    pending += chunk
    if (pending.length > MOST_BYTES) return void socket.destroy()
    const lines = pending.split('\n')
    pending = lines.pop() ?? ''
    for (const line of lines)
      socket.write(
        line.startsWith('set') ? 'ok\n' : `${VALUE.slice(0, Math.floor(own.valueBytes * between(random, 0.3, 1.7)))}\n`,
      )
  })
}).listen(own.port, '::', () => sayReady(own))
