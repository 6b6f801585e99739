/** A client that never stops writing: settings all the time, one persona and one shift when asked. It remembers what was acknowledged. */
import { randomUUID } from 'node:crypto'
import type { ManifestRecord, Page, Settings, ShiftRecord } from '../../src/model/records.ts'
import type { Installation } from './installation.ts'

export type Writer = {
  /** Resolves with the shift's id when the server has taken it; the tag is what it is found by. */
  shift(workload: string, persona: string): Promise<string>
  persona(): Promise<void>
  /** Stops the settings between two writes, until resumed. */
  pause(): Promise<void>
  resume(): void
  readonly acknowledged: number
  /** Of everything acknowledged: what the record does not hold, and what it holds twice. */
  audit(): Promise<{ lost: string[]; doubled: string[] }>
}

const CAP = 1_000
const keyed = (key: string) => ({ 'idempotency-key': key })

export function createWriter(server: Installation): Writer {
  const shifts = new Map<string, string>()
  const personas = new Set<string>()
  let [asked, settled, acknowledged] = [0, 0, 0]
  let running = false
  let loop: Promise<void> = Promise.resolve()

  const held = async () => (await server.insist('GET', '/v1/settings')).body as Settings
  const settings = async () => {
    while (running) {
      asked++
      const { version } = await held()
      const match = { 'if-match': `"${version}"` }
      const { status, body } = await server.insist('PUT', '/v1/settings', settingsOf(asked), match)
      // Stored before its answer was lost: the version has moved on, by us.
      const isStored = status === 412 && (await held()).maxChangesPerMinute === CAP + asked
      if (status !== 200 && !isStored) throw new Error(`PUT settings: ${status} ${JSON.stringify(body)}`)
      settled = asked
      acknowledged++
      await new Promise((resolve) => setTimeout(resolve, 40))
    }
  }
  return {
    get acknowledged() {
      return acknowledged
    },
    async shift(workload, persona) {
      const tag = `kill-${randomUUID()}`
      const { status, body } = await server.insist('POST', '/v1/shifts', { workload, persona, why: tag }, keyed(tag))
      if (status !== 202) throw new Error(`POST shift: ${status} ${JSON.stringify(body)}`)
      const id = (body as { shift_id: string }).shift_id
      shifts.set(tag, id)
      acknowledged++
      return id
    },
    async persona() {
      const name = `Note ${personas.size}`
      const { status, body } = await server.insist(
        'POST',
        '/v1/personas',
        personaNamed(name, 5_000),
        keyed(randomUUID()),
      )
      // Stored before the answer was lost: the same name again is refused, which says that it is there.
      if (status !== 201 && status !== 409) throw new Error(`POST persona: ${status} ${JSON.stringify(body)}`)
      personas.add(name)
      acknowledged++
    },
    async pause() {
      running = false
      await loop
    },
    resume() {
      if (running) return
      running = true
      loop = settings()
    },
    async audit() {
      const lost: string[] = []
      const doubled: string[] = []
      const { maxChangesPerMinute, version } = await held()
      if (maxChangesPerMinute !== CAP + settled)
        lost.push(`settings ${settled}: the record holds ${maxChangesPerMinute - CAP}`)
      // One write each, and the one that set the range up.
      if (version > settled + 1) doubled.push(`settings ${settled}: ${version} writes`)
      const stored = await everything<ShiftRecord>(server, '/v1/shifts')
      for (const [tag, id] of shifts) {
        const found = stored.filter(({ why }) => why[0]?.text === tag)
        if (!found.some((shift) => shift.id === id)) lost.push(`shift ${id}`)
        if (found.length > 1) doubled.push(`${tag}: ${found.map((shift) => shift.id).join(' ')}`)
      }
      const kept = new Map(
        (await everything<ManifestRecord>(server, '/v1/personas')).map((one) => [one.manifest.metadata.name, one]),
      )
      for (const name of personas) {
        const record = kept.get(name)
        if (record === undefined) lost.push(`persona ${name}`)
        else if (record.version !== 1) doubled.push(`persona ${name} has version ${record.version}`)
      }
      return { lost, doubled }
    },
  }
}

export function settingsOf(k: number): object {
  return {
    homeNetworks: ['10.77.0.0/16'],
    neverBlock: ['203.0.113.1/32'],
    maxChangesPerMinute: CAP + k,
    confirmWithinMs: 5_000,
  }
}

export function personaNamed(name: string, port: number, resolver?: string): object {
  return {
    apiVersion: 'guise/v1',
    kind: 'Persona',
    metadata: { name },
    spec: {
      profile: {
        default: { egress: 'deny', ingress: 'deny' },
        rules: [
          {
            action: 'allow',
            direction: 'egress',
            peers: [{ cidr: '10.77.0.0/16' }],
            ports: [{ protocol: 'tcp', port, to: port + 9 }],
          },
        ],
        ...(resolver === undefined ? {} : { dns: { servers: [resolver] } }),
      },
    },
  }
}

async function everything<T>(server: Installation, path: string): Promise<T[]> {
  const items: T[] = []
  let next: string | null = null
  do {
    const page: Page<T> = await server.get(
      `${path}?limit=200${next === null ? '' : `&cursor=${encodeURIComponent(next)}`}`,
    )
    items.push(...page.items)
    next = page.next
  } while (next !== null)
  return items
}
