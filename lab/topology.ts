/**
 * What a lab is made of, as data: workloads with the program each runs, their addresses, and the names they call each
 * other. In: a seed. Out: a `LabPlan`, which `up.ts` makes real. No I/O here.
 */
import type { LearnedPersona } from '../src/model/belief.ts'

export type Program =
  | 'api-server'
  | 'api-consumer'
  | 'database'
  | 'exporter'
  | 'web-user'
  | 'idle'
  | 'attack'
  | 'kv-store'

export type LabWorkload = {
  /** Short name, at most 8 characters: also its interface in the router, and `<prefix>-<name>` its namespace. */
  readonly name: string
  /** What it really is: the truth that a belief is measured by. */
  readonly persona: LearnedPersona
  /** Whether its owner declared that, so that it is assigned. */
  readonly declared: boolean
  readonly app: string
  readonly programs: readonly { readonly program: Program; readonly parameters: Record<string, unknown> }[]
}

export type LabPlan = { readonly prefix: string; readonly seed: number; readonly workloads: readonly LabWorkload[] }

/** Home is 10.77/16 and fd77::/32; the outside is documentation space (RFC 5737, RFC 3849), which nobody owns. */
export const OUTSIDE = {
  sites: { v4: '198.51.100.', v6: '2001:db8:64::' },
  routes: ['198.51.100.0/24', '203.0.113.0/24', '192.0.2.0/24', '2001:db8::/32'],
  clocks: ['203.0.113.123', '2001:db8:71::123'],
  ports: [80, 443, 8080, 8443, 9000, 4444],
} as const

/** Where attacks go: `beacon` and `drop` are in no list, `listed` is on the lab's block-list (examples/feeds). */
export const ATTACK_TARGETS = { beacon: '203.0.113.99', drop: '203.0.113.66', listed: '192.0.2.66' } as const

export const RESOLVER = { name: 'dns', v4: '10.77.53.53', v6: 'fd77:0:53::53' } as const

export function addressOf(index: number): { v4: string; v6: string; gateway4: string; gateway6: string } {
  const n = index + 1
  return { v4: `10.77.${n}.2`, v6: `fd77:0:${n}::2`, gateway4: `10.77.${n}.1`, gateway6: `fd77:0:${n}::1` }
}

export const namespaceOf = (prefix: string, name: string) => `${prefix}-${name}`

/** Every namespace of a lab, router first: also what `down` removes. */
export function namespacesOf(plan: LabPlan): string[] {
  return ['r', 'out', RESOLVER.name, ...plan.workloads.map((w) => w.name)].map((name) => namespaceOf(plan.prefix, name))
}

export function hostName(name: string): string {
  return `${name}.lab.internal`
}

/** Names of the lab's own zone and of the outside services. */
export function zoneOf(plan: LabPlan): Record<string, string[]> {
  return {
    ...Object.fromEntries(plan.workloads.map((w, i) => [hostName(w.name), [addressOf(i).v4, addressOf(i).v6]])),
    'archive.example': ['203.0.113.10', '2001:db8:71::10'],
    'time.example': [...OUTSIDE.clocks],
  }
}

const SITES = ['news', 'mail', 'shop', 'wiki', 'video', 'maps', 'forum', 'bank', 'docs', 'photos', 'music', 'code']
export const siteNames = SITES.map((site) => `${site}.example`)

/** The lab of `guise lab up`: ten workloads, every persona that is not an attack, each with its own temper. */
export function standardLab(prefix: string, seed: number): LabPlan {
  const api = (name: string, port: number, database: boolean) => ({
    program: 'api-server' as const,
    parameters: {
      port,
      poolIdleMs: 4_000,
      answerBytes: 2_500,
      ...(database ? { database: { name: hostName('db1'), port: 5432 } } : {}),
    },
    name,
  })
  const consumer = (perMinute: number, targets: string[], connections: 'kept' | 'fresh') => ({
    program: 'api-consumer' as const,
    parameters: {
      perMinute,
      connections,
      postShare: 0.15,
      targets: targets.map((name) => ({ name: hostName(name), port: name === 'api1' ? 8080 : 3000 })),
    },
  })
  const person = (thinkMs: number) => ({
    program: 'web-user' as const,
    parameters: { sites: siteNames, ports: [80, 443], thinkMs, objects: 9, objectBytes: 18_000 },
  })
  const still = (everyMs: number) => ({
    program: 'idle' as const,
    parameters: { clock: 'time.example', names: [...siteNames], everyMs, updates: 'updates.example' },
  })
  const exporter = {
    program: 'exporter' as const,
    parameters: {
      archive: { name: 'archive.example', port: 443 },
      sources: [{ name: hostName('api1'), port: 8080 }],
      everyMs: 9_000,
      batchBytes: 2_500_000,
      parts: 2,
      pace: 2_000_000,
    },
  }
  const workload = (
    name: string,
    persona: LearnedPersona,
    declared: boolean,
    app: string,
    ...programs: LabWorkload['programs'][number][]
  ): LabWorkload => ({ name, persona, declared, app, programs })
  return {
    prefix,
    seed,
    workloads: [
      workload('db1', 'Database', true, 'shop', {
        program: 'database',
        parameters: { port: 5432 },
      }),
      workload('api1', 'API Server', true, 'shop', api('api1', 8080, true)),
      workload('api2', 'API Server', true, 'reports', api('api2', 3000, true)),
      workload('app1', 'API Consumer', true, 'shop', consumer(50, ['api1', 'api2'], 'fresh')),
      workload('app2', 'API Consumer', false, 'reports', consumer(30, ['api2'], 'kept')),
      workload('exp1', 'Data Exporter', true, 'billing', exporter),
      workload('web1', 'Web User', false, 'office', person(4_000)),
      workload('web2', 'Web User', true, 'office', person(7_000)),
      workload('idle1', 'Idle', false, 'spare', still(9_000)),
      workload('idle2', 'Idle', true, 'spare', still(13_000)),
    ],
  }
}
