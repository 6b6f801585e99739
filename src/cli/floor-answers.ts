/** What `guise agent floor` does and says. */
import { closeSync, constants, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Floor } from '../enforce/floor.ts'
import { FLOOR_TEMPLATE, findFloor, parseFloor } from '../enforce/floor-file.ts'

export type Answer = { readonly value: object; readonly text: string }

export function check(file: string | undefined, options: { readonly home: string }): Answer {
  if (file !== undefined) {
    parseFloor(readFileSync(file, 'utf8'), file)
    return { value: { ok: true, path: file }, text: `${file} is a floor.` }
  }
  const { path } = findFloor(options.home)
  const text =
    path === null
      ? 'There is no floor: the defaults hold. Write one with: guise agent floor init'
      : `${path} is a floor, and only root could have written it.`
  return { value: { ok: true, path }, text }
}

export function show(options: { readonly home: string }): Answer {
  const { path, floor } = findFloor(options.home)
  return { value: { path, floor }, text: floorText(path, floor) }
}

export function floorText(path: string | null, floor: Floor): string {
  const { limits, approvals } = floor
  const days = (ms: number) => `${ms / 1_000} s`
  const rows: (readonly [string, string])[] = [
    ['floor', path ?? 'none: the defaults hold'],
    ['facets', floor.facets.join(', ') || 'none'],
    ...floor.protected.map(
      ({ name, cidr, reach, of, service }) =>
        [
          'protected',
          `${name}: ${cidr}${service === null ? '' : ` ${service.protocol} ${service.from}-${service.to}`}, ${reach === 'none' ? 'its addresses' : `${reach}, of ${of === 'host' ? 'the host' : 'every workload'}`}`,
        ] as const,
    ),
    ['', 'always: the way of the host to its server; the addresses of the server and of the default gateway'],
    ['packages', floor.packages.join(', ') || 'none'],
    ['sensor', floor.sensor ?? 'none'],
    ['workloads', `at most ${limits.workloads}, ${limits.changesPerMinute} changed in a minute`],
    ['rules', `at most ${limits.rules}; ${limits.sets} sets with ${limits.elements} addresses`],
    [
      'machines',
      `at most ${limits.machines}, with ${limits.machineMemoryMb} MB of memory and ${limits.machineCpus} processors`,
    ],
    ['message', `at most ${limits.messageBytes} bytes`],
    ['containment', `at most ${days(limits.containedForMs)}`],
    ['confirmation', `within ${days(limits.confirmWithinMs)} at most`],
    ['least mode', floor.leastMode],
    [
      'signatures',
      approvals === null
        ? 'none asked for'
        : `${approvals.needed} of ${Object.keys(approvals.keys).sort().join(', ')}, for ${approvals.of === 'every' ? 'every plan but containments' : 'plans of the high class'}`,
    ],
  ]
  return rows.map(([name, text]) => `${name.padEnd(14)}${text}`).join('\n')
}

/** Never over one that is there: O_EXCL, and no symbolic link is followed. */
export function init(where: string): Answer {
  const path = resolve(where)
  if (process.getuid?.() !== 0) throw new Error('only root may write a floor. Run it with sudo')
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
  let fd: number
  try {
    fd = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o644)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new Error(`${path} is there already. Look at it with: guise agent floor show`)
    throw error
  }
  writeSync(fd, FLOOR_TEMPLATE)
  closeSync(fd)
  return { value: { written: path }, text: `Written: ${path}. Edit it, then: guise agent floor check` }
}
