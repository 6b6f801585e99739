/**
 * Disks of machines, as layers of qcow2. What several machines stand on is written by none of them: a copy moves the disk
 * there is into `layers/` and gives both a new one on top of it. A layer goes when nothing stands on it any more.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'
import { command } from '../../step.ts'

type Info = { readonly filename: string }

/** `layer`: a name nothing has yet. Throws with the source's disk back in its place. */
export async function shareDisk(folder: string, source: string, copy: string, layer: string): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const below = join(folder, `${layer}.qcow2`)
  renameSync(source, below)
  try {
    for (const above of [source, copy])
      await command('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', below, above])
  } catch (error) {
    rmSync(copy, { force: true })
    renameSync(below, source)
    throw error
  }
}

/** `disks`: of every machine there is. */
export async function sweepLayers(folder: string, disks: readonly string[]): Promise<void> {
  if (!existsSync(folder)) return
  const used = new Set<string>()
  for (const disk of disks.filter((path) => existsSync(path)))
    for (const one of await chainOf(disk)) used.add(basename(one))
  for (const name of readdirSync(folder)) if (!used.has(name)) rmSync(join(folder, name))
}

async function chainOf(disk: string): Promise<string[]> {
  const chain = await command('qemu-img', ['info', '--backing-chain', '--force-share', '--output=json', disk])
  return (JSON.parse(chain) as Info[]).map(({ filename }) => filename)
}
