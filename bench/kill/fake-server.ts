/** The least server an agent can live with: one stream of messages, reports taken and remembered. Says only what it is told to say. */
import { rmSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AgentReport, Applied, ServerMessage } from '../../src/model/wire.ts'

export type FakeServer = {
  readonly reports: AgentReport[]
  /** What the agent said last of enforcement, and in which life of its worker. */
  readonly last: { boot: string; applied: Applied | null; counters: Readonly<Record<string, number>> }
  /** Packets by rule, as all its reports told them together. */
  readonly hits: Map<string, number>
  /** What a fresh connection hears first. */
  greeting: ServerMessage[]
  /** What to do when a generation waits for us. */
  whenConfirming: 'confirm' | 'rollback' | 'nothing'
  readonly connected: boolean
  send(message: ServerMessage): void
  close(): Promise<void>
}

export async function startFakeServer(path: string): Promise<FakeServer> {
  rmSync(path, { force: true })
  let stream: ServerResponse | null = null
  const server: Server = createServer((request, response) => {
    if (request.method === 'GET') {
      stream = response
      response.writeHead(200, { 'content-type': 'application/x-ndjson' })
      response.flushHeaders()
      response.on('close', () => {
        if (stream === response) stream = null
      })
      for (const message of fake.greeting) fake.send(message)
      return
    }
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString('utf8')
    })
    request.on('end', () => {
      response.writeHead(202).end('{}')
      take(JSON.parse(text) as AgentReport)
    })
  })
  const take = (report: AgentReport) => {
    fake.reports.push(report)
    if (fake.reports.length > 500) fake.reports.shift()
    fake.last.boot = report.boot
    fake.last.applied = report.applied
    fake.last.counters = report.counters
    for (const [rule, packets] of Object.entries(report.hits ?? {}))
      fake.hits.set(rule, (fake.hits.get(rule) ?? 0) + packets)
    const { applied } = report
    if ((applied?.state as string | undefined) !== 'confirming' || applied === null) return
    if (fake.whenConfirming === 'confirm') fake.send({ type: 'confirm', generation: applied.generation })
    if (fake.whenConfirming === 'rollback')
      fake.send({ type: 'rollback', generation: applied.generation, why: 'the range says so' })
  }
  const fake: FakeServer = {
    reports: [],
    last: { boot: '', applied: null, counters: {} },
    hits: new Map(),
    greeting: [],
    whenConfirming: 'confirm',
    get connected() {
      return stream !== null
    },
    send: (message) => void stream?.write(`${JSON.stringify(message)}\n`),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return fake
}
