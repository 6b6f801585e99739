/**
 * The agent's worker, composition root of the privileged side: conntrack in, reports out, desired state in, kernel out.
 * Started by `enforce/supervisor.ts`, already inside its network namespace; argv[2] is an `AgentConfig` as JSON.
 * Enforcement never waits for telemetry: messages of the server act as they arrive, reports are sent from a spool.
 */
import { randomUUID } from 'node:crypto'
import { flushCompileCache } from 'node:module'
import { hostname } from 'node:os'
import { watchBeside } from './agent/beside.ts'
import { createBootClock } from './agent/boot-clock.ts'
import { createCertificateKeeper } from './agent/certificates.ts'
import { createDenialBook } from './agent/denials.ts'
import { type Gateway, watchDevices } from './agent/devices.ts'
import { createFloorWatch } from './agent/floor-watch.ts'
import { createGate } from './agent/gate.ts'
import { defaultGateways } from './agent/host-network.ts'
import { identify } from './agent/identity.ts'
import { InventoryMissing, readInventory, watchInventory } from './agent/inventory.ts'
import { createKernelLogs } from './agent/kernel-logs.ts'
import { createLink, type Link, type LinkLimits, parseServer } from './agent/link.ts'
import { createLinkApart } from './agent/link-apart.ts'
import { createMachineOrders } from './agent/machine-orders.ts'
import type { Unread } from './agent/message.ts'
import { createPackageKeeper } from './agent/packages.ts'
import { pinServer, ServerRefused } from './agent/pin.ts'
import { repairForever } from './agent/repairing.ts'
import { createReporter, LOOK_MS } from './agent/reporter.ts'
import { createSecretKeeper } from './agent/secrets.ts'
import { createSense, prefixed, withAlarms } from './agent/sense.ts'
import { createSensors } from './agent/sensors.ts'
import { watchAddresses } from './agent/server-addresses.ts'
import { sampleSockets } from './agent/socket-samples.ts'
import { devicesSource } from './agent/source-health.ts'
import { parseSourceSpec } from './agent/source-spec.ts'
import { createSources, ownSource } from './agent/sources.ts'
import { trackingGaps } from './agent/tracking.ts'
import { createTurns } from './agent/turns.ts'
import { createAgentVitals } from './agent/vitals.ts'
import { awaitSupervisor } from './enforce/await-supervisor.ts'
import { createEnforcer } from './enforce/enforcer.ts'
import { FloorUnfit } from './enforce/floor-file.ts'
import { foreignChains } from './enforce/foreign-chains.ts'
import { monotonicMs, openJournal } from './enforce/journal.ts'
import { loads } from './enforce/load.ts'
import { isPanicked } from './enforce/panic-marker.ts'
import type { EnforcerOptions } from './enforce/standing.ts'
import { inspectedInFull } from './model/facets/inspection.ts'
import { MAX_FOREIGN } from './model/foreign-chain.ts'
import type { Mode } from './model/policy.ts'
import { createSteadyClock } from './model/steady-clock.ts'
import type { ServerMessage } from './model/wire.ts'
import { createConntrackSource } from './observe/sources/conntrack.ts'
import { netnsOf } from './observe/vitals/processes.ts'

export type AgentConfig = {
  readonly inventory: string
  readonly server: string
  /** `sha256:HEX` of the CA of an https server, for the first contact; null = the one kept in `home`. */
  readonly caFingerprint: string | null
  readonly mode: Mode
  readonly home: string
  readonly id: string
  readonly hostDriver: 'host' | 'none'
  readonly follow: 'same-system' | 'any-system'
  /** Interfaces that devices share which only route through here, and what names those. */
  readonly gateway?: Gateway
  /** Further sources, as `--source` takes them. */
  readonly sources: readonly string[]
  /** System calls of every workload are counted; else of those whose inspection is `full`. */
  readonly countCalls?: boolean
}

/** Long enough for the first flow of any host that has some. */
const TRACKED_WITHIN_MS = 30_000
const RENEW_EVERY_MS = 60_000
/** Three bookmarks of 15 s missed. */
const SILENCE_MS = 45_000
const say = (line: string) => void process.stderr.write(`guise agent: ${line}\n`)

async function main(config: AgentConfig): Promise<void> {
  await awaitSupervisor()
  const clock = createSteadyClock(Date.now, createBootClock())
  const leaving = new AbortController()
  const counters = { inventoryRefused: 0, sourceFailed: 0 }
  const floor = createFloorWatch(config.home, say)
  const gateway = config.gateway ?? { faces: [], leases: null }
  let inventory = readInventory(config.inventory, config.hostDriver, config.home, gateway)
  const apart = createLinkApart(say)
  const server = await pinServer(config.home, parseServer(config.server), config.caFingerprint ?? null, apart.contact)
  /** What comes from another host is not decoded in this process. */
  const linkTo = (token: () => string | null, limits?: LinkLimits): Link =>
    'url' in server && server.url.protocol === 'https:'
      ? apart.link(server, token, limits)
      : createLink(server, token, limits)
  const identity = await identify(
    config.home,
    config.id,
    server,
    linkTo(() => null),
  )
  // Somebody has just typed a command here and waits for a sign of life.
  if ('url' in server) say(`${identity.id} is known at ${server.url.origin} and reports there, mode ${config.mode}`)
  const link = linkTo(() => identity.token, {
    messageBytes: floor.found.floor.limits.messageBytes,
    silenceMs: SILENCE_MS,
  })
  const reached = watchAddresses(server, leaving.signal)
  const mode = (): Mode => (isPanicked(config.home) && config.mode === 'enforce' ? 'observe' : config.mode)
  const gate = createGate({
    agent: identity.id,
    floor: () => floor.found,
    held: () => ({
      drivers: new Map(inventory.workloads.map(({ key, driver }) => [key, driver])),
      server: reached.endpoints,
      gateways: defaultGateways(),
    }),
    clock,
    monotonicMs,
    refused: () => reporter.soon(),
    say,
  })
  const conntrack = createConntrackSource({ tickMs: LOOK_MS, clock })
  const enforcerOptions: EnforcerOptions = {
    journal: openJournal(config.home),
    mode,
    follow: config.follow,
    inventory: () => inventory,
    probeServer: () => link.probe(),
    judge: gate.judge,
    learned: (now) => sense.learned.held(now),
    changed: ({ state, generation, why }) => {
      if (state === 'confirmed') sense.learned.restore(clock())
      if ((state as string) === 'refused')
        gate.refuse('state', { pointer: '', reason: `generation ${generation.n}: ${why}` })
      reporter.urgent()
    },
    reloaded: () => {
      sense.reflex.restore(clock())
      sense.learned.restore(clock())
    },
    say,
    clock,
  }
  const enforcer = createEnforcer(enforcerOptions)
  const keeping = { home: config.home, agent: identity.id, link, inForce: () => enforcer.inForce, say }
  const secrets = createSecretKeeper(keeping)
  const certificates = createCertificateKeeper({ ...keeping, clock })
  const packages = createPackageKeeper({
    home: config.home,
    inventory: () => inventory,
    allowed: () => floor.found.floor.packages,
    say,
  })
  let aheadMs = 0
  const orders = createMachineOrders({
    home: config.home,
    floor: () => floor.found.floor,
    mode,
    inForce: () => enforcer.inForce,
    clock,
    aheadMs: () => aheadMs,
    told() {
      reporter.reintroduce()
      reporter.urgent()
    },
    refused: (reason) => gate.refuse('machine', { pointer: '/order', reason }),
  })
  const sense = createSense({
    home: config.home,
    reflexAllowed: () => mode() === 'enforce' && enforcer.inForce !== null,
    inForce: () => enforcer.inForce,
    say,
    clock,
  })
  const specs = (config.sources ?? []).map(parseSourceSpec)
  const sensors = createSensors({
    kinds: specs.map(({ kind }) => kind),
    hostname: hostname(),
    netnsOf,
    aloneIn: (netns) => vitals.aloneIn(netns),
    monotonicMs,
  })
  const counted = () => (config.countCalls === true ? 'everybody' : inspectedInFull(enforcer.inForce))
  const vitals = createAgentVitals({ clock, monotonicMs, told: sensors.told, counted })
  const sources = createSources({ specs, home: config.home, told: sensors.take, say, clock })
  const quiet = 'no flow was tracked; see that a rule of this namespace looks at ct state'
  sources.add(ownSource(conntrack, 'conntrack', quiet, () => sense.counters().conversationsRefused ?? 0))
  const samples = sampleSockets(() => inventory.namespaces, sense.addSockets)
  sources.add(samples.source)
  sources.add(vitals.source)
  const denials = createDenialBook((prefix) => enforcer.ruleOf(prefix))
  const logs = createKernelLogs({
    denials,
    sense,
    devices: () => devices,
    ruleOf: (prefix) => enforcer.ruleOf(prefix),
    news: () => reporter.soon(),
    say,
    clock,
  })
  const beside = watchBeside(foreignChains, MAX_FOREIGN)
  const reporter = createReporter({
    beside: () => beside.chains,
    link,
    path: `/v1/agents/${identity.id}/report`,
    boot: randomUUID(),
    host: hostname().slice(0, 128),
    mode,
    workloads: () => [...inventory.workloads, ...sources.sense.workloads()],
    sense: withAlarms(
      sources.joinedWith(sense, () => reporter.reintroduce()),
      sensors.alarms,
    ),
    enforcer,
    counters: () => ({
      ...counters,
      sockDiagFailed: samples.failed,
      ...prefixed('enforce', enforcer.counters),
      ...prefixed('load', loads),
      ...prefixed('link', link.counters),
      ...prefixed('floor', gate.counters),
      ...prefixed('secret', secrets.counters),
      ...prefixed('certificate', certificates.counters),
      ...prefixed('packages', packages.counters),
      ...logs.counters,
      ...prefixed('vitals', vitals.counters),
      ...prefixed('sensors', sensors.counters),
      'conntrack.read': conntrack.counters.read,
      'conntrack.lost': conntrack.counters.lost,
      'conntrack.refused': conntrack.counters.refused,
      'conntrack.live': conntrack.live,
      'conntrack.reconciled': conntrack.reconciled,
    }),
    denials: () => denials.take(),
    refusals: () => gate.take(),
    sources: (now, spool) => sources.health(now, spool),
    vitals: () => (config.mode === 'off' ? null : vitals.take(inventory)),
    orders: () => orders.results(),
    machines: () => orders.machines(),
    say,
    clock,
  })

  const takeInventory = () => {
    sense.setInventory(inventory)
    sensors.setInventory(inventory)
    sources.sense.setOwn(inventory.workloads.flatMap(({ addresses }) => addresses))
  }
  takeInventory()
  await enforcer.recover()
  await enforcer.rebind()
  // Whoever is killed keeps nothing of what it compiled.
  flushCompileCache()
  const lookAgain = () => {
    try {
      inventory = readInventory(config.inventory, config.hostDriver, config.home, gateway)
    } catch (error) {
      counters.inventoryRefused++
      return say(`${(error as Error).message}; the inventory before it stays`)
    }
    takeInventory()
    reporter.reintroduce()
    enforcer.rebind().catch((error: Error) => say(error.message))
  }
  const unwatch = watchInventory(config.inventory, config.home, lookAgain)
  const cameOrMoved = () => {
    lookAgain()
    reporter.soon()
  }
  const devices =
    gateway.faces.length === 0 ? null : watchDevices(config.home, gateway, { changed: cameOrMoved, say, clock })
  if (devices !== null) sources.add(devicesSource(devices, gateway.faces))
  const leave = () => {
    unwatch()
    devices?.close()
    leaving.abort()
    // What is confirmed stays in force; what is not is taken back by the kernel's timer and at the next start.
    enforcer.idle().finally(() => process.exit(0))
  }
  process.on('SIGTERM', leave)
  process.on('SIGINT', leave)

  const takeTurns = createTurns({
    gate,
    enforcer,
    async bring(state, overtaken) {
      await secrets.bring(state)
      await certificates.bring(state, overtaken)
      await packages.bring(state, overtaken)
    },
    aheadMs: () => aheadMs,
  })
  const hear = (message: ServerMessage) => {
    reporter.reachable()
    if (message.type === 'bookmark') aheadMs = clock() - message.at
    else if (message.type === 'indicators') {
      const list = gate.indicators(message)
      if (list === null) return
      sense.setIndicators(list)
      sources.sense.setIndicators(list)
    } else if (message.type === 'machine') gate.enter('machine', () => orders.take(message.order))
    else takeTurns(message)
  }
  logs.listen(leaving.signal)
  let hearing = new AbortController()
  const lifted = () => {
    reporter.urgent()
    // Whoever connects is told what should be in force; what was told meanwhile may be in force no more.
    hearing.abort()
  }
  const repairing = repairForever(enforcer, { mode, repaired: reporter.soon, lifted, say, signal: leaving.signal })
  // What is renewed is put in place by the next look at the facets.
  const renewing = setInterval(() => void certificates.renew(), RENEW_EVERY_MS)
  leaving.signal.addEventListener('abort', () => {
    beside.close()
    vitals.close()
    samples.close()
    clearInterval(renewing)
  })
  const reporting = reporter.run(leaving.signal)
  const reading = config.mode === 'off' ? null : sources.run(leaving.signal)
  const listen = async () => {
    while (!leaving.signal.aborted) {
      hearing = new AbortController()
      const signal = AbortSignal.any([leaving.signal, hearing.signal])
      const unread = (fault: Unread) => gate.refuse('message', fault)
      await link.listen(`/v1/agents/${identity.id}/desired`, hear, signal, say, unread)
    }
  }
  const listening = listen()
  setTimeout(() => {
    if (config.mode !== 'off') for (const gap of trackingGaps(conntrack.counters.read)) say(gap)
  }, TRACKED_WITHIN_MS).unref()
  if (config.mode !== 'off')
    await watch(conntrack.batches(leaving.signal)).catch((error: Error) => {
      counters.sourceFailed++
      say(`conntrack ended: ${error.message}`)
      throw error
    })
  await Promise.all([reporting, listening, repairing, reading])

  async function watch(batches: ReturnType<typeof conntrack.batches>): Promise<void> {
    for await (const batch of batches) sense.take(batch)
  }
}

// Without its configuration it is only loaded (`cli/compile-ahead.ts`).
const [, , told] = process.argv
if (told !== undefined)
  main(JSON.parse(told) as AgentConfig).catch((error: Error) => {
    say(error.message)
    process.exit([InventoryMissing, ServerRefused, FloorUnfit].some((kind) => error instanceof kind) ? 78 : 1)
  })
