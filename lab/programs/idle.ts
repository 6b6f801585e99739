/** An idle host: the clock, a name now and then, rarely a check for updates. Nothing else. */
import { createSocket } from 'node:dgram'
import { resolve4 } from 'node:dns/promises'
import { isIPv6 } from 'node:net'
import { between, forever, pause, randomOf, readParameters, resolveName } from './parameters.ts'
import { exchange } from './request.ts'

const own = readParameters<{ clock: string; names: string[]; everyMs: number; updates: string }>()
const random = randomOf(own)

/** RFC 4330 client request: version 4, mode 3. */
async function askTime(): Promise<void> {
  const address = await resolveName(own.clock, random)
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
  const packet = Buffer.alloc(48)
  packet[0] = 0x23
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, 2_000)
    socket.on('message', () => {
      clearTimeout(timer)
      resolve()
    })
    socket.on('error', () => resolve())
    socket.send(packet, 123, address)
  })
  socket.close()
}

let beats = Math.floor(random() * 10)
await forever(async () => {
  beats++
  await askTime()
  if (beats % 3 === 0) await resolve4(own.names[beats % own.names.length]!).catch(() => [])
  if (beats % 20 === 0)
    await exchange({ address: await resolveName(own.updates, random), port: 80, path: '/?bytes=900' })
  await pause(own.everyMs * between(random, 0.8, 1.2))
})
