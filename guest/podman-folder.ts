/** A folder that podman had its storage in, taken away: podman mounts it over itself and has no command that undoes that. */
import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'

/** What podman starts behind the end of a container mounts and writes once more. */
const WITHIN_MS = 30_000

/** Lazily: whoever still looks at what is mounted would keep it, and with it the folder. Throws what is in the way at last. */
export async function removePodmanFolder(folder: string): Promise<void> {
  for (const end = performance.now() + WITHIN_MS; ; ) {
    for (const point of mountedIn(folder).reverse()) execFileSync('umount', ['-l', point], { stdio: 'pipe' })
    try {
      return rmSync(folder, { recursive: true, force: true })
    } catch (error) {
      if (!/busy|not empty/i.test((error as Error).message) || performance.now() > end) throw error
    }
    await wait(200)
  }
}

/** In the order of mounting. */
function mountedIn(folder: string): string[] {
  const points = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
  return points.filter((point) => point.startsWith(`${folder}/`))
}
