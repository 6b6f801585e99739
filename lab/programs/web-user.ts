/** A person at a browser: a page, a burst of what it needs from several hosts, then thinking, sometimes a long read. */
import { Agent } from 'node:http'
import { forever, logNormal, pause, pick, randomOf, readParameters, resolveName } from './parameters.ts'
import { exchange } from './request.ts'

const own = readParameters<{
  sites: string[]
  ports: number[]
  thinkMs: number
  objects: number
  objectBytes: number
}>()
const random = randomOf(own)

await forever(async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 4, timeout: 6_000 })
  const site = pick(random, own.sites)
  const others = [site, pick(random, own.sites), pick(random, own.sites), `cdn.${pick(random, own.sites)}`]
  const fetchOne = async (name: string, bytes: number) =>
    exchange({
      address: await resolveName(name, random),
      port: pick(random, own.ports),
      path: `/?bytes=${Math.floor(bytes)}`,
      ...(random() < 0.06 ? { send: Math.floor(logNormal(random, 900, 0.6)) } : {}),
      agent,
    })
  const pages = 1 + Math.floor(random() * 3)
  for (let page = 0; page < pages; page++) {
    await fetchOne(site, logNormal(random, 20_000, 0.6))
    const objects = Math.max(2, Math.round(logNormal(random, own.objects, 0.5)))
    await Promise.all(
      Array.from({ length: Math.min(40, objects) }, () =>
        fetchOne(pick(random, others), Math.min(3e6, logNormal(random, own.objectBytes, 1.3))),
      ),
    )
    await pause(Math.min(60_000, logNormal(random, own.thinkMs, 0.8)))
  }
  agent.destroy()
})
