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

export type Container = {
  readonly namespace: string | null
  readonly cgroup: string | null
  readonly root: string | null
  /** Its /etc/resolv.conf, as its runtime keeps it outside of it. */
  readonly resolver: string | null
}

const STATES = [
  '/run/runc',
  '/run/containerd/runc/default',
  '/run/containerd/runc/k8s.io',
  '/run/docker/runtime-runc/moby',
]
const KEY = /^container:([A-Za-z0-9][A-Za-z0-9_.-]{0,127})$/
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
  return KEY.test(key)
}

/** `key`: `container:ID`. Null when no runtime of this host has it, or it says nothing of where it is. */
export function findContainer(key: string, states: readonly string[] = STATES): Container | null {
  const id = KEY.exec(key)?.[1]
  if (id === undefined) return null
  const path = states.map((folder) => join(folder, id, 'state.json')).find((one) => existsSync(one))
  if (path === undefined) return null
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
