/**
 * What dpkg says is in a root, read from its status file (dpkg(5), `/var/lib/dpkg/status`): nothing is run for a look. The
 * file is the workload's, so it is opened without following links and parsed within bounds.
 */
import { SafeFolder } from '../../safe-folder.ts'

export type Installed = {
  readonly packages: ReadonlyMap<string, { readonly version: string; readonly isHeld: boolean }>
  /** Some package is half there: dpkg was interrupted. */
  readonly isTorn: boolean
}

const MOST_BYTES = 64 << 20
const MOST_PACKAGES = 100_000

/** Throws when the root has no dpkg. */
export function readInstalled(root: string): Installed {
  const folders = [SafeFolder.open(root)]
  try {
    for (const name of ['var', 'lib', 'dpkg']) {
      const next = folders.at(-1)!.find(name)
      if (next === null) throw new Error('its root has no dpkg')
      folders.push(next)
    }
    const text = folders.at(-1)!.read('status', MOST_BYTES)
    if (text === null) throw new Error('its root has no dpkg status')
    return parseInstalled(text)
  } finally {
    for (const folder of folders) folder.close()
  }
}

export function parseInstalled(text: string): Installed {
  const packages = new Map<string, { version: string; isHeld: boolean }>()
  let isTorn = false
  for (const paragraph of text.split('\n\n')) {
    const name = /^Package: ([a-z0-9][a-z0-9.+-]{1,127})$/m.exec(paragraph)?.[1]
    const version = /^Version: ([A-Za-z0-9][A-Za-z0-9.+:~-]{0,127})$/m.exec(paragraph)?.[1]
    const [, want, , state] = /^Status: (\S+) (\S+) (\S+)$/m.exec(paragraph) ?? []
    if (name === undefined || state === undefined || packages.size >= MOST_PACKAGES) continue
    if (/^(?:half-|unpacked|triggers-)/.test(state)) isTorn = true
    if (state === 'installed' && version !== undefined) packages.set(name, { version, isHeld: want === 'hold' })
  }
  return { packages, isTorn }
}
