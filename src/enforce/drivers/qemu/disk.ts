/**
 * Disks of machines, as layers of qcow2. What several machines stand on is written by none of them: a copy moves the disk
 * there is into `layers/` and gives both a new one on top of it. A layer goes when nothing stands on it any more.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { effect, effectSync } from '../../fault.ts'
import { command } from '../../step.ts'

type Info = { readonly filename: string }

/** `layer`: a name nothing has yet. Throws with the source's disk back in its place. */
export async function shareDisk(folder: string, source: string, copy: string, layer: string): Promise<void> {
  effectSync('disk mkdir', () => mkdirSync(folder, { recursive: true, mode: 0o700 }))
  const below = join(folder, `${layer}.qcow2`)
  effectSync('disk rename', () => renameSync(source, below))
  try {
    for (const above of [source, copy])
      await effect('disk layer', () =>
        command('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', below, above]),
      )
  } catch (error) {
    effectSync('disk remove', () => rmSync(copy, { force: true }))
    effectSync('disk rename', () => renameSync(below, source))
    throw error
  }
}

/** `disks`: of every machine there is. */
export async function sweepLayers(folder: string, disks: readonly string[]): Promise<void> {
  if (!existsSync(folder)) return
  const used = new Set<string>()
  for (const disk of disks.filter((path) => existsSync(path)))
    for (const one of await chainOf(disk)) used.add(basename(one))
  for (const name of readdirSync(folder))
    if (!used.has(name)) effectSync('disk remove', () => rmSync(join(folder, name)))
}

async function chainOf(disk: string): Promise<string[]> {
  const chain = await command('qemu-img', ['info', '--backing-chain', '--force-share', '--output=json', disk])
  return (JSON.parse(chain) as Info[]).map(({ filename }) => filename)
}
