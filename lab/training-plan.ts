/**
 * Labs to learn from: per run another mix of workloads, each persona several times with another intensity, other peers,
 * other ports, so that a model learns what a persona does rather than what one program of ours does.
 */
import { type Random, seeded } from '../src/learn/random.ts'
import type { LearnedPersona } from '../src/model/belief.ts'
import type { AttackParameters } from './programs/attack.ts'
import { ATTACK_TARGETS, hostName, type LabPlan, type LabWorkload, siteNames } from './topology.ts'

type Part = LabWorkload['programs'][number]
type Service = { readonly name: string; readonly port: number }

const uniform = (r: Random, low: number, high: number) => low + (high - low) * r()
/** Intensities differ by factors, not by amounts. */
const factor = (r: Random, low: number, high: number) => low * (high / low) ** r()
const oneOf = <T>(r: Random, items: readonly T[]): T => items[Math.floor(r() * items.length)]!
const some = <T>(r: Random, items: readonly T[], n: number): T[] => Array.from({ length: n }, () => oneOf(r, items))

export function trainingLab(prefix: string, seed: number): LabPlan {
  const r = seeded(seed * 7919 + 13)
  const workloads: LabWorkload[] = []
  const add = (short: string, persona: LearnedPersona, ...programs: Part[]) => {
    const name = `${short}${workloads.filter((w) => w.name.startsWith(short)).length + 1}`
    workloads.push({ name, persona, declared: false, app: short, programs })
    return hostName(name)
  }
  const databases = [0, 1, 2].map((i) => {
    const engine = i === 2 ? ('kv' as const) : ('postgres' as const)
    const port = oneOf(r, engine === 'kv' ? [6379, 11211, 9042] : [5432, 5432, 5433, 3306])
    const parameters = engine === 'kv' ? { port, valueBytes: factor(r, 80, 6_000) } : { port }
    return {
      name: add('db', 'Database', { program: engine === 'kv' ? 'kv-store' : 'database', parameters }),
      port,
      engine,
    }
  })
  const services: Service[] = [0, 1, 2, 3, 4].map((i) => {
    const port = oneOf(r, [8080, 3000, 8000, 5000, 9090, 443, 7001])
    const database = i < 4 ? { database: databases[i % 3] } : {}
    const parameters = { port, poolIdleMs: factor(r, 300, 20_000), answerBytes: factor(r, 300, 30_000), ...database }
    return { name: add('api', 'API Server', { program: 'api-server', parameters }), port }
  })
  // Every service has a client of its own, or its server would have nothing to show.
  for (let i = 0; i < 6; i++) add('app', 'API Consumer', consumer(r, [services[i % 5]!, ...some(r, services, i % 3)]))
  for (let i = 0; i < 4; i++) add('exp', 'Data Exporter', exporter(r, some(r, services, i % 3)))
  for (let i = 0; i < 5; i++) add('web', 'Web User', person(r))
  for (let i = 0; i < 4; i++) add('idl', 'Idle', still(r))
  for (let i = 0; i < 3; i++) add('scn', 'Scanner', ...(i === 2 ? [still(r)] : []), scanner(r, factor(r, 2, 20)))
  // One sign alone (a beacon among a person's pages) is the detectors' work: a persona is what a host mostly does.
  add('bad', 'Compromised', person(r), beacon(r), scanner(r, uniform(r, 0.4, 2)))
  add(
    'bad',
    'Compromised',
    consumer(r, some(r, services, 2)),
    beacon(r),
    oneOf(r, [exfil(r), scanner(r, uniform(r, 0.5, 2))]),
  )
  add('bad', 'Compromised', still(r), oneOf(r, [beacon(r), exfil(r)]), scanner(r, uniform(r, 0.3, 1.5)))
  add('bad', 'Compromised', oneOf(r, [person(r), consumer(r, some(r, services, 1))]), exfil(r), beacon(r))
  add('bad', 'Compromised', still(r), beacon(r), exfil(r))
  return { prefix, seed, workloads }
}

function consumer(r: Random, targets: readonly Service[]): Part {
  return {
    program: 'api-consumer',
    parameters: {
      targets,
      perMinute: factor(r, 10, 140),
      connections: oneOf(r, ['kept', 'fresh', 'fresh']),
      postShare: uniform(r, 0, 0.5),
    },
  }
}

function exporter(r: Random, sources: readonly Service[]): Part {
  return {
    program: 'exporter',
    parameters: {
      archive: {
        name: oneOf(r, ['archive.example', 'backup.example', 'lake.example']),
        port: oneOf(r, [443, 443, 9000, 8443]),
      },
      sources,
      everyMs: factor(r, 3_000, 18_000),
      batchBytes: factor(r, 150_000, 5_000_000),
      parts: 1 + Math.floor(r() * 4),
      pace: factor(r, 500_000, 4_000_000),
    },
  }
}

function person(r: Random): Part {
  return {
    program: 'web-user',
    parameters: {
      sites: some(r, siteNames, 3 + Math.floor(r() * 9)),
      ports: oneOf(r, [[80, 443], [443], [443, 8080]]),
      thinkMs: factor(r, 2_000, 12_000),
      objects: factor(r, 4, 18),
      objectBytes: factor(r, 4_000, 40_000),
    },
  }
}

function still(r: Random): Part {
  return {
    program: 'idle',
    parameters: {
      clock: 'time.example',
      names: [...siteNames],
      everyMs: factor(r, 5_000, 35_000),
      updates: 'updates.example',
    },
  }
}

/** An attack that does not end: it is what this workload is. */
const attack = (parameters: AttackParameters): Part => ({ program: 'attack', parameters })

function scanner(r: Random, perSecond: number): Part {
  const homes = some(
    r,
    ['10.77.1.', '10.77.2.', '10.77.5.', '10.77.60.', '10.77.61.', '10.77.90.', 'fd77:0:1::', '198.51.100.'],
    4,
  )
  return attack({
    kind: 'scan',
    seconds: null,
    scan: {
      networks: homes,
      hosts: 250,
      ports: some(r, [22, 23, 80, 443, 445, 3389, 5432, 8080], 3),
      perSecond,
      icmpShare: oneOf(r, [0, 0, 0.2]),
      verticalShare: oneOf(r, [0, 0.2, 0.9]),
    },
  })
}

function beacon(r: Random): Part {
  const everyMs = factor(r, 1_500, 9_000)
  const address = oneOf(r, [ATTACK_TARGETS.beacon, '203.0.113.77', '192.0.2.30'])
  return attack({
    kind: 'beacon',
    seconds: null,
    beacon: {
      address,
      port: oneOf(r, [443, 4444, 8080]),
      everyMs,
      jitter: uniform(r, 0.01, 0.15),
      bytes: factor(r, 60, 2_000),
    },
  })
}

function exfil(r: Random): Part {
  const address = oneOf(r, [ATTACK_TARGETS.drop, '192.0.2.40'])
  return attack({
    kind: 'exfil',
    seconds: null,
    exfil: {
      address,
      port: oneOf(r, [443, 4444]),
      bytes: factor(r, 3_000_000, 20_000_000),
      parts: 1 + Math.floor(r() * 6),
      pace: factor(r, 300_000, 2_000_000),
      everyMs: factor(r, 5_000, 25_000),
    },
  })
}
