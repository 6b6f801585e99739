import assert from 'node:assert/strict'
import { createSocket, type Socket } from 'node:dgram'
import { test } from 'node:test'
import fc from 'fast-check'
import { createPool } from '../../../bench/ingest/datagrams.ts'
import { createUdpSource, type UdpSource } from './udp-source.ts'

type Listening = {
  readonly source: UdpSource
  readonly rows: { count: number; ends: number[] }
  readonly socket: Socket
  until(what: () => boolean): Promise<void>
  send(bytes: Uint8Array): Promise<void>
  stop(): Promise<void>
}

async function listen(through: 'quickest' | 'dgram', exporters: readonly string[] = []): Promise<Listening> {
  const source = createUdpSource({ address: '127.0.0.1', port: 0, exporters, through })
  const stopping = new AbortController()
  const rows = { count: 0, ends: [] as number[] }
  const reading = (async () => {
    for await (const batch of source.batches(stopping.signal)) {
      rows.count += batch.count
      rows.ends.push(...batch.end.subarray(0, batch.count))
    }
  })()
  const socket = createSocket('udp4')
  const until = async (what: () => boolean) => {
    for (const end = performance.now() + 15_000; !what(); await new Promise((resolve) => setTimeout(resolve, 5)))
      if (performance.now() > end)
        assert.fail(`it did not come: ${JSON.stringify({ ...source.figures, ...source.counters })}`)
  }
  await until(() => source.port !== null)
  return {
    source,
    rows,
    socket,
    until,
    send: (bytes) =>
      new Promise((resolve, reject) =>
        socket.send(bytes, source.port!, '127.0.0.1', (error) => (error ? reject(error) : resolve())),
      ),
    async stop() {
      stopping.abort()
      socket.close()
      await reading
    },
  }
}

for (const through of ['quickest', 'dgram'] as const) {
  test(`${through}: three protocols arrive whole, and a gap in a sequence is counted`, async () => {
    const listening = await listen(through)
    for (const protocol of ['v5', 'v9', 'ipfix'] as const) {
      const pool = createPool(protocol, 3)
      const before = listening.source.decoder.figures.flows
      for (let i = 0; i < 50; i++) {
        // The twentieth is left out.
        pool.renew(i, 0, i * pool.sequenceStep, Date.now())
        if (i !== 20) await listening.send(pool.datagrams[i]!)
      }
      await listening.until(() => listening.source.decoder.figures.flows - before === 49 * pool.recordsEach)
    }
    const { decoder, counters, figures } = listening.source
    assert.deepEqual(
      [...decoder.exporters.values()].map(({ lost }) => lost),
      [30, 28, 28],
    )
    assert.equal(counters.lost, 86)
    assert.equal(counters.refused, 0)
    assert.equal(figures.datagrams, 147)
    await listening.until(() => listening.rows.count > 2_000)
    await listening.stop()
    assert.equal(listening.source.port, null)
  })

  test(`${through}: who is not on the list is not decoded, but counted and named`, async () => {
    const listening = await listen(through, ['192.0.2.0/24'])
    const pool = createPool('v5', 3)
    for (let i = 0; i < 10; i++) await listening.send(pool.datagrams[i]!)
    await listening.until(() => listening.source.counters.refused === 10)
    await listening.stop()
    assert.equal(listening.source.decoder.figures.flows, 0)
    assert.deepEqual(listening.source.counters.refusals, [
      { file: '127.0.0.1', why: 'not on the list of exporters: allow it with exporter=127.0.0.1' },
    ])
    assert.equal(listening.source.exporters()[0]!.refused, 10)
  })

  test(`${through}: garbage of any kind does not stop what comes after it`, async () => {
    const listening = await listen(through)
    const pool = createPool('v9', 3)
    let sent = 0
    const garbage = fc.oneof(
      fc.uint8Array({ maxLength: 1_500 }),
      // Broken copies of what is right.
      fc.tuple(fc.nat(63), fc.nat(1_399), fc.nat(255), fc.nat(1_399)).map(([i, at, value, length]) => {
        const bytes = Buffer.from(pool.datagrams[i]!)
        bytes[at % bytes.length] = value
        return bytes.subarray(0, Math.max(1, length))
      }),
    )
    for (const bytes of fc.sample(garbage, { numRuns: 400, seed: 5 })) {
      if (bytes.length === 0) continue
      await listening.send(bytes)
      sent++
    }
    pool.renew(100, 0, 100, Date.now())
    await listening.until(() => listening.source.figures.datagrams === sent)
    const before = listening.source.decoder.figures.flows
    await listening.send(pool.datagrams[100]!)
    await listening.until(() => listening.source.decoder.figures.flows === before + pool.recordsEach)
    await listening.stop()
    assert.ok(listening.source.counters.refused > 50, `${listening.source.counters.refused} were refused`)
    assert.ok(listening.source.counters.refusals.length <= 20)
  })
}

test('a clock that is a day behind is told, and its flows are of now', async () => {
  const listening = await listen('quickest')
  const pool = createPool('v5', 3)
  for (let i = 0; i < 8; i++) {
    pool.renew(i, 0, i * pool.sequenceStep, Date.now() - 86_400_000)
    await listening.send(pool.datagrams[i]!)
  }
  await listening.until(() => listening.rows.count > 50)
  await listening.stop()
  const skew = listening.source.exporters()[0]!.skewMs
  assert.ok(Math.abs(skew + 86_400_000) < 5_000, `skew ${skew}`)
  const least = Math.min(...listening.rows.ends)
  assert.ok(Math.abs(Date.now() - least) < 30_000, `a flow ended ${Date.now() - least} ms ago`)
})

test('a port that is taken is said with its cure', async () => {
  const listening = await listen('quickest')
  const port = listening.source.port!
  for (const through of ['quickest', 'dgram'] as const) {
    const second = createUdpSource({ address: '127.0.0.1', port, exporters: [], through })
    await assert.rejects(
      second.batches(new AbortController().signal)[Symbol.asyncIterator]().next(),
      /taken by another program|cannot be listened on \(EADDRINUSE\)/,
    )
  }
  await listening.stop()
})
