/**
 * A container by its id comes in, where it is on this host goes out, from the state that runc keeps of it (runc's
 * libcontainer/container.go, `state.json`): podman, containerd and Docker all run it. It must live in a network namespace
 * that somebody gave it, because one that its runtime made has no name to find it by. `node:` only.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { NAMESPACE_PATH, RESOLVER_PATH } from '../../step.ts'
import { containerId, runtimeOf } from './runtimes.ts'

export type Container = {
  readonly namespace: string | null
  readonly cgroup: string | null
  readonly root: string | null
  /** Its /etc/resolv.conf, as its runtime keeps it outside of it. */
  readonly resolver: string | null
}

const isState = Compile(
  Type.Object({
    cgroup_paths: Type.Record(Type.String(), Type.String({ maxLength: 1_000 })),
    config: Type.Object({
      rootfs: Type.String({ maxLength: 1_000 }),
      namespaces: Type.Array(Type.Object({ type: Type.String(), path: Type.Optional(Type.String()) }), {
        maxItems: 32,
      }),
      mounts: Type.Array(Type.Object({ source: Type.String(), destination: Type.String() }), { maxItems: 10_000 }),
    }),
  }),
)

export function isContainer(key: string): boolean {
  return containerId(key) !== null
}

/** `key`: `container:ID`. Null when no runtime of this host has it, or it says nothing of where it is. */
export function findContainer(key: string): Container | null {
  const [id, runtime] = [containerId(key), runtimeOf(key)]
  if (id === null || runtime === null) return null
  const path = join(runtime, id, 'state.json')
  let state: unknown
  try {
    state = JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    // Being written, or just gone.
    return null
  }
  if (!isState.Check(state)) return null
  const { config, cgroup_paths } = state
  const given = config.namespaces.find(({ type }) => type === 'NEWNET')?.path ?? ''
  const resolver = config.mounts.find(({ destination }) => destination === '/etc/resolv.conf')?.source ?? ''
  return {
    namespace: NAMESPACE_PATH.test(given) ? given : null,
    cgroup: cgroupFrom(cgroup_paths),
    root: existsSync(config.rootfs) ? config.rootfs : null,
    resolver: RESOLVER_PATH.test(resolver) ? resolver : null,
  }
}

/** Below the controller's mount in v1, below the one mount in v2 (key ''). */
function cgroupFrom(paths: Readonly<Record<string, string>>): string | null {
  const found =
    /^\/sys\/fs\/cgroup\/cpu(?:,cpuacct)?(\/.+)$/.exec(paths.cpu ?? '') ??
    /^\/sys\/fs\/cgroup(\/.+)$/.exec(paths[''] ?? '')
  return found?.[1] ?? null
}
