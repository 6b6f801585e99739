/** Which network namespace a process works in. A process cannot leave Node's threads behind, so it becomes another one. */
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { NAMESPACE_PATH } from './step.ts'

/** `NAME` or a path under /run/netns. Throws a sentence with its cure. */
export function namespacePath(name: string): string {
  const path = name.startsWith('/') ? name : `/run/netns/${name}`
  if (!NAMESPACE_PATH.test(path))
    throw new Error(`${JSON.stringify(name)} names no network namespace; give a name from ip netns list`)
  try {
    statSync(path)
  } catch {
    throw new Error(`there is no network namespace ${name}; ip netns list shows those there are`)
  }
  return path
}

export function isInside(path: string): boolean {
  return statSync(path).ino === statSync('/proc/self/ns/net').ino
}

/** Replaces this process (execve(2): same pid, same streams) by `argv`, inside `namespace` unless that is null. */
export function become(namespace: string | null, argv: readonly string[], env: NodeJS.ProcessEnv = process.env): never {
  const whole = namespace === null ? [...argv] : [find('nsenter'), `--net=${namespace}`, ...argv]
  if (process.execve === undefined)
    throw new Error('this Node has no process.execve; use the Node that bin/setup installs')
  const kept = Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined)
  process.execve(whole[0]!, whole, Object.fromEntries(kept))
  throw new Error(`${whole[0]} did not start`)
}

function find(program: string): string {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, program)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {}
  }
  throw new Error(`${program} is missing; apt-get install util-linux`)
}
