/**
 * The `packages` facet: Debian packages in a workload's own root. Made ready before (`packages/make-ready.ts`); added beside
 * what is there before the rules flip; what the persona before had and this one has not goes after the confirmation.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Packages } from '../../model/facets/packages.ts'
import { isContainer } from '../drivers/container/container.ts'
import { runtimeOf } from '../drivers/container/runtimes.ts'
import type { FacetPart, Place } from '../facet.ts'
import { secretsHome } from '../secret-files.ts'
import { capturePackages, changePackages, type PackagesState } from './packages/change.ts'
import type { Spot } from './packages/inside-root.ts'
import { readInstalled } from './packages/installed.ts'
import { satisfied } from './packages/make-ready.ts'
import { readReady } from './packages/record.ts'

export const packages: FacetPart<Packages, PackagesState> = {
  facet: 'packages',
  refusal({ key, root }) {
    if (root === null) return 'it has no root directory of its own'
    if (isContainer(key) && runtimeOf(key) === null) return 'no runtime of this host has it'
    if (!isContainer(key) && !existsSync('/usr/sbin/capsh'))
      return 'this host has no capsh to confine apt with; install libcap2-bin'
    return existsSync(join(root, 'var/lib/dpkg/status')) ? null : 'its root has no dpkg'
  },
  untouched: { packs: [], flaws: [] },
  capture: async (place) => capturePackages(spotOf(place), secretsHome()),
  wanted(place, _, wish) {
    const spot = spotOf(place)
    const ready = readReady(secretsHome(), spot.key)
    const isFor = ready?.wish === JSON.stringify(wish)
    const packs = isFor && ready.failed === null ? ready.packs : satisfied(wish, readInstalled(spot.root!))
    if (packs === null)
      throw new Error(
        `packages of ${spot.key}: ${isFor ? ready.failed : 'they were not ready in time; they are being fetched'}`,
      )
    return { packs, flaws: [] }
  },
  converge: (place, { packs }) => changePackages(spotOf(place), packs, secretsHome(), 'add and remove'),
  normalise: ({ packs, flaws }) =>
    JSON.stringify([
      packs.map(({ name, version, isPinned }) => (isPinned ? `${name}=${version}` : name)).sort(),
      [...flaws].sort(),
    ]),
  undo: (place, { packs }) => [{ run: 'packages', ...spotOf(place), packs, home: secretsHome() }],
  stages: {
    prepare: (place, _, { packs }) => changePackages(spotOf(place), packs, secretsHome(), 'add'),
    switch: async () => {},
    finish: (place, _, { packs }) => changePackages(spotOf(place), packs, secretsHome(), 'add and remove'),
  },
}

function spotOf({ key, namespace, root }: Place): Spot {
  return { key, namespace, root }
}
