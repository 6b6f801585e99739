/** Where runc keeps its state, whoever started it: podman, containerd and Docker. `node:` only. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

export const RUNC_STATES = [
  '/run/runc',
  '/run/containerd/runc/default',
  '/run/containerd/runc/k8s.io',
  '/run/docker/runtime-runc/moby',
] as const
const KEY = /^container:([A-Za-z0-9][A-Za-z0-9_.-]{0,127})$/

/** `container:ID` → ID; null when it is no key of a container. */
export function containerId(key: string): string | null {
  return KEY.exec(key)?.[1] ?? null
}

/** The state folder of the runtime that has it. */
export function runtimeOf(key: string, states: readonly string[] = RUNC_STATES): string | null {
  const id = containerId(key)
  if (id === null) return null
  return states.find((folder) => existsSync(join(folder, id, 'state.json'))) ?? null
}
