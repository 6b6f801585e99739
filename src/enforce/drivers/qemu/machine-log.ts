/** Machines come in, the same machines go out, of which every act that somebody asked for is a line in `HOME/machines/log`, refused ones too. */
import { appendFileSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Outcome } from '../../../model/why.ts'
import { effectSync } from '../../fault.ts'
import { machinesFolder } from './machine-store.ts'
import type { Machines } from './machines.ts'

type Act = 'define' | 'start' | 'stop' | 'clone' | 'connect' | 'disconnect' | 'resize' | 'destroy'
export type LogLine = {
  /** ISO 8601, of the wall clock. */
  readonly at: string
  /** The account that asked, as this host knows it. */
  readonly by: string
  readonly act: Act
  /** What it was called then. */
  readonly machine: string
  readonly uuid: string | null
  readonly outcome: 'done' | 'refused' | 'failed'
  readonly why: string | null
}

/** `failures` `once`: what fails again as it did last is not told again, because nobody asked again. */
export function logged(
  machines: Machines,
  home: string,
  by: string,
  clock: () => number,
  failures: 'all' | 'once' = 'all',
): Machines {
  const nameOf = (uuid: string) => machines.all().find(({ machine }) => machine.uuid === uuid)?.machine.name ?? uuid
  const tell = (act: Act, machine: string, uuid: string | null, outcome: LogLine['outcome'], why: string | null) => {
    const line = { at: new Date(clock()).toISOString(), by, act, machine, uuid, outcome, why }
    if (failures === 'all' || outcome === 'done' || !isLast(home, line)) appendLog(home, line)
  }
  const keep = <T>(act: Act, machine: string, uuid: string | null, outcome: Outcome<T>): Outcome<T> => {
    tell(act, machine, uuid, outcome.ok ? 'done' : 'refused', outcome.ok ? null : outcome.why)
    return outcome
  }
  const failed = (act: Act, machine: string, uuid: string) => (error: Error) => {
    tell(act, machine, uuid, 'failed', error.message.slice(0, 500))
    throw error
  }
  const act = async <T>(what: Act, uuid: string, doing: () => Promise<Outcome<T>>): Promise<Outcome<T>> => {
    const name = nameOf(uuid)
    return keep(what, name, uuid, await doing().catch(failed(what, name, uuid)))
  }
  return {
    all: machines.all,
    define(wish) {
      const made = machines.define(wish)
      return keep('define', wish.name, made.ok ? made.value.uuid : null, made)
    },
    start: (uuid) => act('start', uuid, () => machines.start(uuid)),
    stop: (uuid, how) => act('stop', uuid, () => machines.stop(uuid, how)),
    clone: (uuid, copy) => act('clone', uuid, () => machines.clone(uuid, copy)),
    connect: (uuid, uplink) =>
      act(uplink === 'open' ? 'connect' : 'disconnect', uuid, () => machines.connect(uuid, uplink)),
    resize: (uuid, size) => act('resize', uuid, () => machines.resize(uuid, size)),
    async destroy(uuid) {
      const name = nameOf(uuid)
      await machines.destroy(uuid).catch(failed('destroy', name, uuid))
      tell('destroy', name, uuid, 'done', null)
    },
  }
}

/** Oldest first, of the last one to two megabytes. */
export function readLog(home: string): LogLine[] {
  const lines = `${textOf(olderOf(home))}${textOf(pathOf(home))}`.split('\n')
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as LogLine)
}

/** Of the same machine nothing was told since but this. */
function isLast(home: string, { at: _, ...line }: LogLine): boolean {
  const last = readLog(home).findLast(({ uuid }) => uuid === line.uuid)
  return last !== undefined && JSON.stringify({ ...last, at: '' }) === JSON.stringify({ at: '', ...line })
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

const pathOf = (home: string) => join(machinesFolder(home), 'log')
const olderOf = (home: string) => `${pathOf(home)}.older`
const MOST_BYTES = 1 << 20

export function appendLog(home: string, line: LogLine): void {
  effectSync('machine log', () => {
    mkdirSync(machinesFolder(home), { recursive: true, mode: 0o700 })
    const { size } = statSync(pathOf(home), { throwIfNoEntry: false }) ?? { size: 0 }
    if (size > MOST_BYTES) renameSync(pathOf(home), olderOf(home))
    appendFileSync(pathOf(home), `${JSON.stringify(line)}\n`, { mode: 0o600, flush: true })
  })
}
