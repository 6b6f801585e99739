/**
 * The inventory file (`WorkloadReport[]`) and its neighbours `namespaces.json` and `places.json` come in; what drivers may
 * touch goes out. A bad file changes nothing.
 */
import { existsSync, readFileSync, unwatchFile, watchFile } from 'node:fs'
import { hostname, networkInterfaces } from 'node:os'
import { dirname, join } from 'node:path'
import { Type } from 'typebox'
import { Compile } from 'typebox/compile'
import { containersMark } from '../enforce/drivers/container/list.ts'
import { knownPlace, machineKey, reportOf } from '../enforce/drivers/places.ts'
import { machinesFolder, openMachineStore } from '../enforce/drivers/qemu/machine-store.ts'
import type { Inventory } from '../enforce/snapshot.ts'
import { NAMESPACE_PATH } from '../enforce/step.ts'
import { plainText } from '../model/plain-text.ts'
import { WorkloadReport } from '../model/wire.ts'
import { foundContainers } from './containers.ts'
import { foundDevices, type Gateway } from './devices.ts'
import { foundDomains, watchDomains } from './domains.ts'

const LOOK_MS = 1_000
const NO_GATEWAY: Gateway = { faces: [], leases: null }
const isReports = Compile(Type.Array(WorkloadReport, { maxItems: 10_000 }))
/** Absolute, and nothing that climbs: what the agent writes below it stays below it. */
const Path = Type.String({ pattern: '^(/(?!\\.\\.?(/|$))[A-Za-z0-9_@.:\\\\-]+)+$', maxLength: 400 })
const isPlaces = Compile(
  Type.Record(
    Type.String(),
    Type.Object(
      { cgroup: Type.Optional(Path), root: Type.Optional(Path), monitor: Type.Optional(Path) },
      { additionalProperties: false },
    ),
  ),
)
const isPaths = Compile(Type.Record(Type.String(), Type.String({ pattern: NAMESPACE_PATH.source })))

/** Throws a sentence: which file, and what is wrong with it. */
export function readInventory(
  path: string,
  hostDriver: 'host' | 'none',
  home: string,
  gateway: Gateway = NO_GATEWAY,
): Inventory {
  const named = parse(path, read(path))
  if (!isReports.Check(named))
    throw new Error(
      `${path} is no list of workloads: ${whatIsWrong(isReports.Errors(named))}; mend it there, or write [] for none`,
    )
  const onLinks = withDomains(withContainers(withMachines(named, home), home), home)
  const workloads = [...onLinks, ...foundDevices(home, gateway, onLinks)]
  const [twice] = [...Map.groupBy(workloads, ({ key }) => key)].find(([, some]) => some.length > 1) ?? []
  if (twice !== undefined) throw new Error(`${path} names ${plainText(twice, 128)} twice; take one of both out`)
  return {
    workloads: hostDriver === 'host' ? [...workloads, hostReport()] : workloads,
    ...whereabouts(workloads, readNamespaces(dirname(path)), readPlaces(dirname(path)), toldByDhcp(home)),
  }
}

/** The machines of this host need not be named: their definitions are in our own home. */
function withMachines(named: readonly WorkloadReport[], home: string): WorkloadReport[] {
  const machines = existsSync(machinesFolder(home)) ? openMachineStore(home).all().map(reportOf) : []
  return [...named, ...machines.filter(({ key }) => !named.some((one) => one.key === key))]
}

/** Machines in which nobody is to be asked for an agent. */
function toldByDhcp(home: string): ReadonlySet<string> {
  if (!existsSync(machinesFolder(home))) return new Set()
  const machines = openMachineStore(home).all()
  return new Set(machines.filter(({ settings }) => settings === 'dhcp').map(({ uuid }) => machineKey(uuid)))
}

/** Nor its containers, as root, who alone can look at them. */
function withContainers(named: readonly WorkloadReport[], home: string): WorkloadReport[] {
  return process.getuid?.() === 0 ? [...named, ...foundContainers(home, named)] : [...named]
}

/** Nor what libvirt runs here: `watchInventory` asks it. */
function withDomains(named: readonly WorkloadReport[], home: string): WorkloadReport[] {
  return [...named, ...foundDomains(home, named)]
}

/** What drivers know, and over it what the files say. */
function whereabouts(
  workloads: readonly WorkloadReport[],
  namespaces: ReadonlyMap<string, string>,
  places: NonNullable<Inventory['places']>,
  doorless: ReadonlySet<string>,
): Pick<Inventory, 'namespaces' | 'places'> {
  const known = workloads.map((report) => {
    const { monitor, ...place } = knownPlace(report)
    return [report.key, monitor === undefined || doorless.has(report.key) ? place : { ...place, monitor }] as const
  })
  return {
    namespaces: new Map([
      ...known.flatMap(([key, { namespace }]) => (namespace === undefined ? [] : [[key, namespace] as const])),
      ...namespaces,
    ]),
    places: new Map([
      ...known.map(([key, { namespace: _, ...place }]) => [key, { ...place, ...places.get(key) }] as const),
      ...[...places].filter(([key]) => !workloads.some((one) => one.key === key)),
    ]),
  }
}

function readNamespaces(folder: string): ReadonlyMap<string, string> {
  const path = join(folder, 'namespaces.json')
  const paths = readIfThere(path)
  if (!isPaths.Check(paths)) throw new Error(`${path} must map workload keys to paths under /run/netns`)
  return new Map(Object.entries(paths))
}

function readPlaces(folder: string): NonNullable<Inventory['places']> {
  const path = join(folder, 'places.json')
  const places = readIfThere(path)
  if (!isPlaces.Check(places))
    throw new Error(
      `${path} must map workload keys to their cgroup, root and monitor: ${whatIsWrong(isPlaces.Errors(places))}`,
    )
  return new Map(Object.entries(places))
}

function whatIsWrong(errors: Iterable<{ readonly instancePath: string; readonly message: string }>): string {
  const [first] = errors
  return first === undefined ? '' : `${first.instancePath} ${first.message}`
}

/** An empty mapping where there is no file. */
function readIfThere(path: string): unknown {
  try {
    return parse(path, readFileSync(path, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw error
  }
}

/** Starting again does not help against this. */
export class InventoryMissing extends Error {}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new InventoryMissing(
      `the inventory ${path} cannot be read (${(error as NodeJS.ErrnoException).code}); give --inventory a JSON list of workloads`,
    )
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`${path} is not JSON: ${(error as Error).message}; mend it there`)
  }
}

function hostReport(): WorkloadReport {
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
  return {
    key: `host:${hostname()}`.slice(0, 128),
    name: hostname().slice(0, 128) || 'host',
    kind: 'host' as WorkloadReport['kind'],
    driver: 'host',
    interface: null,
    addresses: addresses.map(({ address }) => address).slice(0, 64),
    labels: {},
  }
}

/** Calls `changed` when the file was written (polling also sees a rename over it), and when a container or a domain comes or goes. */
export function watchInventory(path: string, home: string, changed: () => void): () => void {
  const look = () => changed()
  const watched = [path, machinesFolder(home)]
  for (const one of watched) watchFile(one, { interval: LOOK_MS }, look)
  let mark = ''
  const looking = setInterval(() => {
    const now = containersMark()
    if (now !== mark) look()
    mark = now
  }, LOOK_MS)
  const unwatchDomains = process.getuid?.() === 0 ? watchDomains(home, look) : () => {}
  return () => {
    unwatchDomains()
    clearInterval(looking)
    for (const one of watched) unwatchFile(one, look)
  }
}
