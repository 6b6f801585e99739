/**
 * The containers that run on this host come out, as their runtimes keep them (see container.ts): what each is called, and the
 * link by which its packets come to us. One whose link is part of somebody's bridge has none: its packets would carry the
 * bridge's name, and its neighbours would not pass us at all.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { NAMESPACE_PATH } from '../../step.ts'
import { findContainer } from './container.ts'
import { RUNC_STATES } from './runtimes.ts'

export type Running = {
  readonly key: string
  readonly name: string
  readonly namespace: string
}
/** Our own links, and by which number the kernel calls each named namespace when it says where the other end of one is. */
export type Here = { readonly links: Links; readonly numbers: ReadonlyMap<string, number> }
/** `face` is null for one on a bridge. */
export type Reached = { readonly face: string | null; readonly addresses: readonly string[] }

const ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,117}$/
const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/
const PROGRAM_MS = 5_000
const isState = Compile(
  Type.Object({
    init_process_pid: Type.Integer({ minimum: 1 }),
    init_process_start: Type.Integer({ minimum: 0 }),
    config: Type.Object({ labels: Type.Optional(Type.Array(Type.String({ maxLength: 4_000 }), { maxItems: 1_000 })) }),
  }),
)
const isNames = Compile(
  Type.Array(Type.Object({ id: Type.String(), names: Type.Optional(Type.Array(Type.String())) }), {
    maxItems: 100_000,
  }),
)
const Links = Type.Array(
  Type.Object({
    ifindex: Type.Integer(),
    ifname: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,15}$' }),
    link_index: Type.Optional(Type.Integer()),
    link_netnsid: Type.Optional(Type.Integer()),
    master: Type.Optional(Type.String()),
    addr_info: Type.Optional(Type.Array(Type.Object({ local: Type.String(), scope: Type.String() }))),
  }),
)

type Links = Static<typeof Links>
const isLinks = Compile(Links)
const isNumbers = Compile(Type.Array(Type.Object({ name: Type.String(), id: Type.Optional(Type.Integer()) })))

/** Those that are in a namespace which somebody named. */
export function runningContainers(states: readonly string[] = RUNC_STATES): Running[] {
  return states.flatMap((folder) =>
    foldersIn(folder).flatMap((id): Running[] => {
      const state = read(join(folder, id, 'state.json'))
      const key = `container:${id}`
      const namespace = findContainer(key)?.namespace ?? null
      if (namespace === null || !isState.Check(state) || !isRunning(state.init_process_pid, state.init_process_start))
        return []
      return [{ key, name: nameOf(id, state.config.labels ?? []), namespace }]
    }),
  )
}

/** Changes when a container comes, starts or goes; costs a stat for each. */
export function containersMark(states: readonly string[] = RUNC_STATES): string {
  return states
    .flatMap((folder) => foldersIn(folder).map((id) => `${id} ${changedAt(join(folder, id, 'state.json'))}`))
    .join('\n')
}

/** From the agent's own namespace. The links first: asked for them, the kernel numbers the namespaces that they lead to. */
export function lookHere(): Here {
  const links = linksBy('ip', ['-j', 'link'])
  const found = saidBy('ip', ['-j', 'netns', 'list'])
  const named = isNumbers.Check(found) ? found : []
  return { links, numbers: new Map(named.flatMap(({ name, id }) => (id === undefined ? [] : [[name, id] as const]))) }
}

/** Null when it has no link that leads here. */
export function reachOf(namespace: string, { links, numbers }: Here): Reached | null {
  if (!NAMESPACE_PATH.test(namespace)) return null
  const number = numbers.get(basename(namespace))
  if (number === undefined) return null
  for (const link of linksBy('nsenter', [`--net=${namespace}`, 'ip', '-j', 'addr'])) {
    // Each says that the other is its other end. A container may say what it likes of itself, and choose the numbers of links
    // to a namespace of its own: which namespace our end leads to is the kernel's word.
    const end = links.find(
      ({ ifindex, link_index, link_netnsid }) =>
        ifindex === link.link_index && link_index === link.ifindex && link_netnsid === number,
    )
    if (end === undefined || link.ifname === 'lo') continue
    const addresses = (link.addr_info ?? []).filter(({ scope }) => scope === 'global').map(({ local }) => local)
    return { face: end.master === undefined ? end.ifname : null, addresses: addresses.slice(0, 64) }
  }
  return null
}

function linksBy(program: string, argv: readonly string[]): Links {
  const links = saidBy(program, argv)
  return isLinks.Check(links) ? links : []
}

/** Null when it went while we looked. */
function saidBy(program: string, argv: readonly string[]): unknown {
  try {
    return JSON.parse(execFileSync(program, argv, { timeout: PROGRAM_MS, stdio: 'pipe' }).toString())
  } catch {
    return null
  }
}

/** As podman keeps it beside its bundle; others keep none, and are called by the beginning of their id. */
function nameOf(id: string, labels: readonly string[]): string {
  const bundle = labels.find((label) => label.startsWith('bundle=/'))?.slice('bundle='.length)
  const names = bundle === undefined ? null : read(join(dirname(dirname(bundle)), 'containers.json'))
  const found = isNames.Check(names) ? names.find((one) => one.id === id)?.names?.[0] : undefined
  return found !== undefined && NAME.test(found) ? found : id.slice(0, 12)
}

/** A number that was given away again belongs to a process that began later (proc(5), starttime). */
function isRunning(pid: number, start: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return state !== 'Z' && state !== 'X' && Number(rest[18]) === start
  } catch {
    return false
  }
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => ID.test(name))
  } catch {
    return []
  }
}

function changedAt(path: string): number {
  try {
    return statSync(path).mtimeMs
  } catch {
    return 0
  }
}

function read(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return null
  }
}
