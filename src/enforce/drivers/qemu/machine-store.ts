/** Definitions as files, a folder a machine: `HOME/machines/UUID/machine.json`, its disk beside it. */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { effectSync } from '../../fault.ts'
import { type Machine, machineFrom, UUID } from './machine.ts'

export type MachineStore = {
  all(): readonly Machine[]
  find(uuid: string): Machine | null
  write(machine: Machine): void
  remove(uuid: string): void
  diskOf(uuid: string): string
  /** Folder of what several disks stand on. */
  readonly layers: string
}

export function machinesFolder(home: string): string {
  return join(home, 'machines')
}

export function openMachineStore(home: string): MachineStore {
  const root = machinesFolder(home)
  effectSync('machine mkdir', () => mkdirSync(root, { recursive: true, mode: 0o700 }))
  const folder = (uuid: string) => {
    if (!UUID.test(uuid)) throw new Error(`not the uuid of a machine: ${JSON.stringify(uuid)}`)
    return join(root, uuid)
  }
  const read = (uuid: string): Machine | null => {
    const path = join(folder(uuid), 'machine.json')
    let text: string
    try {
      text = readFileSync(path, 'utf8')
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
      throw error
    }
    const machine = machineFrom(JSON.parse(text), path)
    if (machine.uuid !== uuid)
      throw new Error(`${path} is of another machine (${machine.uuid}); move it to its own folder`)
    return machine
  }
  return {
    all: () =>
      readdirSync(root)
        .filter((name) => UUID.test(name))
        .sort()
        .flatMap((uuid) => read(uuid) ?? []),
    find: read,
    write(machine) {
      effectSync('machine mkdir', () => mkdirSync(folder(machine.uuid), { recursive: true, mode: 0o700 }))
      const path = join(folder(machine.uuid), 'machine.json')
      const text = `${JSON.stringify(machine, null, 2)}\n`
      effectSync('machine write', () => writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true }))
      effectSync('machine rename', () => renameSync(`${path}.new`, path))
      // Agents look when this folder changes: at the new folder in it, they may have looked before there was a definition.
      effectSync('machine tell', () => utimesSync(root, new Date(), new Date()))
    },
    remove: (uuid) => effectSync('machine remove', () => rmSync(folder(uuid), { recursive: true, force: true })),
    layers: join(root, 'layers'),
    diskOf: (uuid) => join(folder(uuid), 'disk.qcow2'),
  }
}
