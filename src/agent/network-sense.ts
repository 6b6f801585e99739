/**
 * Flows that others saw (a router's NetFlow, a sensor's logs) come in; windows, conversations and evidence of the devices in
 * the declared networks go out. Such a device is a workload that is only observed: its key is `net:ADDRESS`, there is no
 * kernel of ours behind it. It is kept apart from what our own kernel saw: no reflex, no vouching for source addresses.
 */
import { createDetectors, type Detectors } from '../assess/detectors.ts'
import { createIndicatorIndex, createNeverBlock } from '../assess/indicators.ts'
import { formatAddress, parseAddress } from '../model/address.ts'
import { createChannels } from '../model/channels.ts'
import type { FlowBatch } from '../model/flow.ts'
import { DEFAULT_TENANT, type WorkloadId } from '../model/ids.ts'
import { createNetworks, DEFAULT_HOME_NETWORKS, isGroupAddress } from '../model/networks.ts'
import type { ServerMessage, WorkloadReport } from '../model/wire.ts'
import { workloadId } from '../model/workload-id.ts'
import { createDirectory } from '../observe/reduce/directory.ts'
import { encodeConversation, encodeWindow } from '../observe/reduce/encode.ts'
import { createReducer, type Reducer } from '../observe/reduce/reducer.ts'
import type { ServiceNames } from '../observe/source.ts'
import type { Sensed } from './sense.ts'

type Indicators = Extract<ServerMessage, { type: 'indicators' }>

export type NetworkSense = {
  take(batch: FlowBatch): void
  setIndicators(indicators: Indicators): void
  /** Addresses of workloads that we are on: they are not told of twice. */
  setOwn(addresses: readonly string[]): void
  workloads(): readonly WorkloadReport[]
  /** True once after new devices were seen. */
  takeNews(): boolean
  alarms(now: number): Sensed['evidence']
  close(until: number): Sensed
  counters(): Record<string, number>
  /** Rows that could not be kept whole, by the reducer's and the detectors' bounds. */
  readonly lost: number
}

/** One report names at most 10,000 workloads, the host's own among them. */
const MAX_DEVICES = 4_000
const FORGET_MS = 24 * 3_600_000

export function createNetworkSense(options: {
  readonly networks: readonly string[]
  readonly services: ServiceNames
  readonly maxDevices?: number
}): NetworkSense {
  const networks = createNetworks(options.networks)
  const maxDevices = options.maxDevices ?? MAX_DEVICES
  const devices = new Map<string, { readonly id: WorkloadId; lastSeen: number }>()
  const keyById = new Map<string, string>()
  const counters = { devices: 0, devicesCrowded: 0, strangers: 0 }
  let own = createNetworks([])
  let hasNews = false
  let homeNetworks: readonly string[] = DEFAULT_HOME_NETWORKS
  let indicatorsHash = ''
  let listVersion = 0
  let index = createIndicatorIndex([])
  let neverBlock = createNeverBlock([])
  const directory = createDirectory({
    discover(words) {
      if (!networks.covers(words) || isGroupAddress(words) || own.covers(words)) return null
      if (devices.size >= maxDevices) {
        counters.devicesCrowded++
        return null
      }
      const key = `net:${formatAddress(words)}`
      const id = workloadId(DEFAULT_TENANT, key)
      devices.set(key, { id, lastSeen: Number.NaN })
      keyById.set(id, key)
      hasNews = true
      return { key, id }
    },
  })
  const channels = createChannels()
  const makeDetectors = () =>
    createDetectors({
      homeNetworks,
      channels,
      indicators: {
        get size() {
          return index.size
        },
        get refused() {
          return index.refused
        },
        get version() {
          return listVersion
        },
        lookup: (words, at) => index.lookup(words, at),
      },
      neverBlock: {
        covers: (words, at) => neverBlock.covers(words, at),
        get version() {
          return listVersion
        },
      },
    })
  const makeReducer = () =>
    createReducer({ directory, channels, homeNetworks, serviceName: options.services.nameOf, idle: 'omit' })
  let detectors: Detectors = makeDetectors()
  let reducer: Reducer = makeReducer()
  const evidenceOf = (now: number) =>
    detectors.evaluate(now).flatMap(({ subject, evidence }) => {
      const words = parseAddress(subject)
      const found = words === null ? -1 : directory.find(words)
      if (found < 0) {
        counters.strangers++
        return []
      }
      return [{ key: directory.keyOf(found), evidence }]
    })
  /** A device that was silent for a day makes room for another. */
  const forget = (now: number) => {
    for (const [key, device] of devices) {
      // Its first reading was lost with the reducer, or it was seen while the clock was ahead.
      if (!(device.lastSeen <= now)) device.lastSeen = now
      const { id, lastSeen } = device
      if (lastSeen >= now - FORGET_MS) continue
      directory.remove(key)
      devices.delete(key)
      keyById.delete(id)
    }
  }

  return {
    take(batch) {
      // The reducer assigns the workloads.
      const numbers = channels.number(batch)
      reducer.add(batch, numbers)
      detectors.add(batch, numbers)
    },
    setIndicators(message) {
      if (message.hash === indicatorsHash) return
      indicatorsHash = message.hash
      listVersion++
      index = createIndicatorIndex(message.entries)
      neverBlock = createNeverBlock(message.neverBlock)
      const next = message.homeNetworks.length > 0 ? message.homeNetworks : DEFAULT_HOME_NETWORKS
      if (JSON.stringify(next) === JSON.stringify(homeNetworks)) return
      homeNetworks = next
      detectors = makeDetectors()
      reducer = makeReducer()
    },
    setOwn(addresses) {
      own = createNetworks(addresses.map((address) => address.split('/')[0]!))
      for (const [key, { id }] of devices) {
        const words = parseAddress(key.slice(4))
        if (words === null || !own.covers(words)) continue
        directory.remove(key)
        devices.delete(key)
        keyById.delete(id)
      }
    },
    workloads: () => [...devices.keys()].map(reportOf),
    takeNews() {
      const had = hasNews
      hasNews = false
      return had
    },
    alarms: evidenceOf,
    close(until) {
      const { ticks, conversations } = reducer.close(until)
      for (const { workload } of ticks) {
        const device = devices.get(keyById.get(workload) ?? '')
        if (device !== undefined) device.lastSeen = until
      }
      forget(until)
      counters.devices = devices.size
      return {
        ticks: ticks.flatMap((window) => {
          const key = keyById.get(window.workload)
          return key === undefined ? [] : [encodeWindow(window, key)]
        }),
        conversations: conversations.flatMap((one) => {
          const key = keyById.get(one.workload)
          return key === undefined ? [] : [encodeConversation(one, key)]
        }),
        evidence: evidenceOf(until),
      }
    },
    counters: () => ({ ...counters, ...reducer.counters, ...detectors.counters() }),
    get lost() {
      return counters.devicesCrowded + reducer.counters.conversationsRefused
    },
  }
}

function reportOf(key: string): WorkloadReport {
  const address = key.slice(4)
  return {
    key,
    name: address,
    kind: 'device' as WorkloadReport['kind'],
    driver: 'recording',
    interface: null,
    addresses: [address],
    labels: {},
  }
}
