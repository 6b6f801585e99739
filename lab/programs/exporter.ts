/** A data exporter: reads a batch from its sources, then uploads it in bulk to an archive, again and again. */
import { between, forever, logNormal, pause, pick, randomOf, readParameters, resolveName } from './parameters.ts'
import { exchange } from './request.ts'

const own = readParameters<{
  archive: { name: string; port: number }
  sources: { name: string; port: number }[]
  everyMs: number
  batchBytes: number
  parts: number
  pace: number
}>()
const random = randomOf(own)

await forever(async () => {
  for (const source of own.sources)
    for (let i = 0; i < 3; i++)
      await exchange({ address: await resolveName(source.name, random), port: source.port, path: `/items/${i}` })
  const address = await resolveName(own.archive.name, random)
  const bytes = Math.min(4 * own.batchBytes, logNormal(random, own.batchBytes, 0.3))
  for (let part = 0; part < own.parts; part++)
    await exchange({
      address,
      port: own.archive.port,
      path: `/archive/${pick(random, ['orders', 'events', 'billing'])}/${part}`,
      send: Math.max(2_000, Math.floor(bytes / own.parts)),
      pace: own.pace,
    })
  await pause(own.everyMs * between(random, 0.85, 1.15))
})
