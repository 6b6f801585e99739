/** A program that calls APIs: small requests at a steady, machine-like pace, to the same few services, day and night. */
import { Agent } from 'node:http'
import { between, forever, pause, pick, randomOf, readParameters, resolveName } from './parameters.ts'
import { exchange } from './request.ts'

const own = readParameters<{
  targets: { name: string; port: number }[]
  perMinute: number
  /** Whether connections are kept between calls. */
  connections: 'kept' | 'fresh'
  postShare: number
}>()
const random = randomOf(own)
const agent = new Agent({ keepAlive: true, maxSockets: 2, timeout: 4_000 })

await forever(async () => {
  const target = pick(random, own.targets)
  const address = await resolveName(target.name, random)
  await exchange({
    address,
    port: target.port,
    path: `/items/${Math.floor(between(random, 1, 900))}`,
    ...(random() < own.postShare ? { send: Math.floor(between(random, 200, 3_000)) } : {}),
    ...(own.connections === 'kept' ? { agent } : {}),
  })
  await pause((60_000 / own.perMinute) * between(random, 0.7, 1.3))
})
