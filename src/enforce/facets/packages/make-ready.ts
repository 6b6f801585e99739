/**
 * Packages are made ready before the state that asks for them is applied: looked up, checked against the host's list with
 * everything they need, and downloaded beside what is there. It may take minutes, and changes nothing that is worn.
 */
import { isListed, type Packages, packageOf } from '../../../model/facets/packages.ts'
import { SafeFolder } from '../../safe-folder.ts'
import { foreignIn, parseCandidates, parsePlan } from './apt-plan.ts'
import { isThere } from './change.ts'
import { APT, ARCHIVES, act, ask, type Spot } from './inside-root.ts'
import { type Installed, readInstalled } from './installed.ts'
import { type Pack, readRecord, writeReady } from './record.ts'

/** Never throws: why it failed is kept, and the state is refused with it. */
export async function makeReady(spot: Spot, wish: Packages, home: string, allowed: readonly string[]): Promise<void> {
  const keep = (packs: readonly Pack[], failed: string | null) =>
    writeReady(home, spot.key, { wish: JSON.stringify(wish), packs, failed })
  try {
    keep(await readied(spot, wish, home, allowed), null)
  } catch (error) {
    keep([], (error as Error).message)
  }
}

/** What is there already, as packs; null when something is missing. */
export function satisfied(wish: Packages, installed: Installed): Pack[] | null {
  const packs = wish.map((text): Pack | null => {
    const { name, version } = packageOf(text)
    const there = installed.packages.get(name)?.version
    const pack = { name, version: version ?? there ?? '', isPinned: version !== null }
    return isThere(pack, installed) ? pack : null
  })
  return packs.every((pack) => pack !== null) ? packs : null
}

async function readied(spot: Spot, wish: Packages, home: string, allowed: readonly string[]): Promise<Pack[]> {
  const installed = readInstalled(spot.root!)
  const there = satisfied(wish, installed)
  if (there !== null) return there
  makeArchives(spot.root!)
  const ours = new Set(readRecord(home, spot.key).ours)
  return look(spot, wish, installed, ours, allowed).catch(async () => {
    // What is known of the repositories may be old, or nothing yet.
    await act(spot, 'apt-get', [...APT, 'update'])
    return look(spot, wish, installed, ours, allowed)
  })
}

async function look(
  spot: Spot,
  wish: Packages,
  installed: Installed,
  ours: ReadonlySet<string>,
  allowed: readonly string[],
): Promise<Pack[]> {
  const asked = wish.map(packageOf)
  const policy = await ask(spot, 'apt-cache', ['policy', '--', ...asked.map(({ name }) => name)])
  const candidates = parseCandidates(policy)
  const packs = asked.map(({ name, version }): Pack => {
    const found = version ?? installed.packages.get(name)?.version ?? candidates.get(name)
    if (found === undefined || !candidates.has(name))
      throw new Error(`no repository of this workload has a package ${name}`)
    return { name, version: found, isPinned: version !== null }
  })
  const missing = packs.filter((pack) => !isThere(pack, installed)).map(({ name, version }) => `${name}=${version}`)
  const plan = parsePlan(await ask(spot, 'apt-get', [...APT, '-s', 'install', '--', ...missing]))
  const foreign = foreignIn(plan, ours)
  if (foreign !== null) throw new Error(foreign)
  const unlisted = plan.installs.find(({ name, version }) => !isListed(allowed, name, version))
  if (unlisted !== undefined)
    throw new Error(
      `${unlisted.name}=${unlisted.version} would be installed, which this host does not list; its administrator can add it to packages in floor.yaml`,
    )
  await act(spot, 'apt-get', [...APT, '--download-only', 'install', '--', ...missing])
  return packs
}

function makeArchives(root: string): void {
  SafeFolder.walk(root, [...ARCHIVES.slice(1).split('/'), 'partial'], 'make')?.close()
}
