/**
 * The packages of a workload, from whatever is there to what is wanted. Before anything is written: what apt would do, and
 * that it does it to nobody else's packages. Added first; what is no longer wanted goes last, when `how` says so.
 * `node:` and steps alone, because the supervisor takes changes back with it.
 */
import { SafeFolder } from '../../safe-folder.ts'
import { foreignIn, parsePlan } from './apt-plan.ts'
import { APT, ARCHIVES, act, ask, type Spot } from './inside-root.ts'
import { type Installed, readInstalled } from './installed.ts'
import { type Pack, type PackageRecord, readRecord, writeRecord } from './record.ts'

export type PackagesState = {
  readonly packs: readonly Pack[]
  /** Of what was captured: words for what is wrong. */
  readonly flaws: readonly string[]
}

/** Only what we were asked for; the rest of the root is not ours to look at. */
export function capturePackages(spot: Spot, home: string): PackagesState {
  const record = readRecord(home, spot.key)
  if (record.wanted.length === 0) return { packs: [], flaws: record.isBusy ? ['half done'] : [] }
  const installed = readInstalled(spot.root!)
  const missing = record.wanted.filter((pack) => !isThere(pack, installed))
  const loose = record.held.filter((name) => installed.packages.get(name)?.isHeld !== true)
  return {
    packs: record.wanted.filter((pack) => !missing.includes(pack)),
    flaws: [
      ...missing.map(({ name }) => `${name} is not there`),
      ...loose.map((name) => `${name} is no longer pinned`),
      ...(record.isBusy ? ['half done'] : []),
    ],
  }
}

export function isThere({ name, version, isPinned }: Pack, { packages }: Installed): boolean {
  const found = packages.get(name)
  return found !== undefined && (!isPinned || found.version === version)
}

export async function changePackages(
  spot: Spot,
  packs: readonly Pack[],
  home: string,
  how: 'add' | 'add and remove',
): Promise<void> {
  const before = readRecord(home, spot.key)
  const names = packs.map(({ name }) => name)
  if (packs.length + before.ours.length + before.named.length === 0 && !before.isBusy) return
  const found = readInstalled(spot.root!)
  const missing = packs.filter((pack) => !isThere(pack, found))
  const dropped = how === 'add' ? [] : before.named.filter((name) => !names.includes(name))
  const isSettled =
    missing.length + dropped.length === 0 && !before.isBusy && same(before.wanted, packs) && isHeldAs(before, found)
  if (isSettled) return
  const named = [...new Set([...before.named, ...names])]
  let record: PackageRecord = { ...before, wanted: packs, named, isBusy: true }
  const keep = (more: Partial<PackageRecord>) => {
    record = { ...record, ...more }
    writeRecord(home, spot.key, record)
  }
  keep({})
  if (before.isBusy || found.isTorn)
    await act(spot, 'dpkg', ['--force-confold', '--force-confdef', '--configure', '-a'])
  if (missing.length > 0) await install(spot, missing, record, keep)
  await pin(spot, packs, record, keep)
  if (how === 'add and remove') await removeDropped(spot, dropped, record)
  const left = readInstalled(spot.root!).packages
  const ours = record.ours.filter((name) => left.has(name))
  keep({ ours, named: how === 'add' ? named : names, isBusy: false })
  if (how === 'add and remove') prune(spot, new Set(ours))
}

function same(a: readonly Pack[], b: readonly Pack[]): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function isHeldAs({ held }: PackageRecord, { packages }: Installed): boolean {
  return held.every((name) => packages.get(name)?.isHeld === true)
}

type Keep = (more: Partial<PackageRecord>) => void

async function install(spot: Spot, missing: readonly Pack[], { ours }: PackageRecord, keep: Keep): Promise<void> {
  const wanted = missing.map((pack) => archived(spot, pack) ?? `${pack.name}=${pack.version}`)
  const plan = parsePlan(await ask(spot, 'apt-get', [...APT, '-s', 'install', '--', ...wanted]))
  const foreign = foreignIn(plan, new Set(ours))
  if (foreign !== null) throw new Error(foreign)
  const added = plan.installs.filter(({ replaces }) => replaces === null).map(({ name }) => name)
  // Known as ours before it is there, so that whoever dies in between leaves nothing that nobody takes off.
  keep({ ours: [...new Set([...ours, ...added])] })
  await act(spot, 'apt-get', [...APT, 'install', '--', ...wanted])
}

async function pin(spot: Spot, packs: readonly Pack[], { held }: PackageRecord, keep: Keep): Promise<void> {
  const { packages } = readInstalled(spot.root!)
  const pinned = packs.filter(({ isPinned }) => isPinned).map(({ name }) => name)
  const hold = pinned.filter((name) => packages.get(name)?.isHeld === false)
  const release = held.filter((name) => !pinned.includes(name) && packages.get(name)?.isHeld === true)
  keep({ held: [...new Set([...held.filter((name) => pinned.includes(name)), ...release, ...hold])] })
  if (release.length > 0) await act(spot, 'apt-mark', ['unhold', '--', ...release])
  if (hold.length > 0) await act(spot, 'apt-mark', ['hold', '--', ...hold])
  keep({ held: pinned.filter((name) => held.includes(name) || hold.includes(name)) })
}

/** What nothing needs any more, of what is ours: what somebody else has come to depend on stays. */
async function removeDropped(spot: Spot, dropped: readonly string[], record: PackageRecord): Promise<void> {
  const ours = new Set(record.ours)
  const { packages } = readInstalled(spot.root!)
  const there = dropped.filter((name) => ours.has(name) && packages.has(name))
  if (there.length > 0) await act(spot, 'apt-mark', ['auto', '--', ...there])
  if (!record.ours.some((name) => packages.has(name) && !record.wanted.some((pack) => pack.name === name))) return
  const unneeded = parsePlan(await ask(spot, 'apt-get', [...APT, '-s', '--purge', 'autoremove']))
  const goes = unneeded.removes.filter((name) => ours.has(name))
  if (goes.length === 0) return
  const plan = parsePlan(await ask(spot, 'apt-get', [...APT, '-s', 'purge', '--', ...goes]))
  const foreign = foreignIn(plan, ours)
  if (foreign !== null) throw new Error(foreign)
  await act(spot, 'apt-get', [...APT, 'purge', '--', ...goes])
}

function openArchives({ root }: Spot): SafeFolder | null {
  return SafeFolder.walk(root!, ARCHIVES.slice(1).split('/'))
}

/** A version that no repository has any more can still come back from here. */
function archived(spot: Spot, { name, version }: Pack): string | null {
  const folder = openArchives(spot)
  if (folder === null) return null
  const start = `${name}_${version.replaceAll(':', '%3a')}_`
  try {
    const file = folder.names().find((one) => one.startsWith(start) && /^[a-z0-9]+\.deb$/.test(one.slice(start.length)))
    return file === undefined ? null : `${ARCHIVES}/${file}`
  } finally {
    folder.close()
  }
}

/** What was downloaded for packages that are not ours, or no longer. */
function prune(spot: Spot, ours: ReadonlySet<string>): void {
  const folder = openArchives(spot)
  if (folder === null) return
  try {
    for (const file of folder.names()) if (file.endsWith('.deb') && !ours.has(file.split('_')[0]!)) folder.remove(file)
  } finally {
    folder.close()
  }
}
