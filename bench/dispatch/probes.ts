/**
 * The promises of the dispatch, one probe each, on real packets and sockets: the table of the kernel study (both
 * families, ranges, ICMP, two ends, flows that stop, errors, spoofing, undo) and what came since (never-block, reflex,
 * containment, the host itself).
 */
import { compileDelta, confirmDelta, removeText, revertDelta } from '../../src/compile/delta.ts'
import { type Compiled, compileAgent, reflexElements } from '../../src/compile/nft.ts'
import { differences, readBack } from '../../src/compile/parse.ts'
import type { AgentState, RuleList } from '../../src/model/desired.ts'
import type { RuleMatch } from '../../src/model/rule-match.ts'
import { type Network, v4, v6, within } from './network.ts'
import { type Crafted, craft, craftTooBig } from './packets.ts'

export type Probe = { readonly name: string; readonly ok: boolean }

const why = (rule: string) => ({ rule, text: 'probe' })
const open: RuleList = { rules: [], otherwise: 'allow', why: why('open') }
const none: RuleList = { rules: [], otherwise: 'deny', why: why('default-deny') }

function database(peer: RuleMatch['peer']): RuleList {
  const services: RuleMatch['service'][] = [
    { protocol: 'tcp', from: 5432, to: 5432 },
    { protocol: 'udp', from: 6000, to: 6010 },
    { protocol: 'icmp', type: 8 },
  ]
  const rules = services.map((service, i) => ({
    verdict: 'allow' as const,
    match: { peer, service },
    why: why(`db/${i}`),
  }))
  return { rules, otherwise: 'deny', why: why('default-deny') }
}

type Lists = Readonly<Record<string, readonly [RuleList, RuleList]>>
const toDatabase = database({ kind: 'set', set: 'persona:database' })
const fromAnyone = database({ kind: 'any' })
const USUAL: Lists = { w1: [toDatabase, fromAnyone], w2: [none, fromAnyone], w3: [open, open] }

function stateOf(lists: Lists, more: Partial<AgentState> = {}): AgentState {
  return {
    generation: { system: 'bench', timeline: 1, n: 1 },
    plan: 'probe',
    mode: 'enforce',
    confirmWithinMs: 60_000,
    workloads: Object.entries(lists).map(([key, [egress, ingress]]) => ({
      workload: key,
      key,
      persona: { id: 'probe', name: 'Probe', version: 1 },
      egress,
      ingress,
      containment: null,
    })),
    sets: [{ name: 'persona:database', members: [v4(2), v6(2)] }],
    neverBlock: [],
    failSafe: [
      {
        id: 'failsafe/dns',
        direction: 'both',
        match: { peer: { kind: 'any' }, service: { protocol: 'udp', from: 53, to: 53 } },
        why: why('failsafe/dns'),
      },
    ],
    ...more,
  }
}

export async function probeAll(network: Network): Promise<Probe[]> {
  const range = new Range(network)
  await range.tuples()
  await range.hygiene()
  await range.flows()
  await range.undo()
  await range.automatic()
  await range.host()
  await network.nft(removeText())
  return range.probes
}

class Range {
  readonly probes: Probe[] = []
  readonly #network: Network
  #loaded: Compiled | null = null
  #id = 20_000

  constructor(network: Network) {
    this.#network = network
  }

  #say(name: string, ok: boolean): void {
    this.probes.push({ name, ok })
  }

  async #load(state: AgentState, pendingMs: number | null = null): Promise<Compiled> {
    const after = compileAgent(state, this.#network.bindings)
    await this.#network.nft(compileDelta(this.#loaded, after, { pendingMs, now: Date.now() }))
    if (pendingMs === null) this.#loaded = after
    return after
  }

  #craft(from: number, to: number, protocol: 'tcp' | 'udp' | 'icmp', port: number, address = v4): Crafted {
    return craft(address(from), address(to), protocol, port, this.#id++)
  }

  /** True when the packet reached `to` within the bound; sends it once. */
  async #arrives(from: number, to: number, crafted: Crafted, boundMs = 150): Promise<boolean> {
    await this.#network.send(from, [crafted])
    return within(boundMs, async () => (await this.#network.receipts(to)).has(crafted.receipt))
  }

  async #passes(
    from: number,
    to: number,
    protocol: 'tcp' | 'udp' | 'icmp',
    port: number,
    address = v4,
  ): Promise<boolean> {
    return this.#arrives(from, to, this.#craft(from, to, protocol, port, address))
  }

  async tuples(): Promise<void> {
    await this.#load(stateOf(USUAL))
    this.#say('v4 tcp allowed', await this.#passes(1, 2, 'tcp', 5432))
    this.#say('v6 tcp allowed', await this.#passes(1, 2, 'tcp', 5432, v6))
    this.#say('v4 other port denied', !(await this.#passes(1, 2, 'tcp', 80)))
    this.#say('v6 other port denied', !(await this.#passes(1, 2, 'tcp', 80, v6)))
    this.#say('not in the peer set: denied', !(await this.#passes(1, 3, 'tcp', 5432)))
    this.#say('egress none: denied', !(await this.#passes(2, 1, 'tcp', 5432)))
    this.#say('both ends allow', await this.#passes(3, 1, 'tcp', 5432))
    this.#say('sender allows, receiver denies', !(await this.#passes(3, 1, 'tcp', 80)))
    this.#say('a stranger is judged by the receiver', await this.#passes(4, 2, 'tcp', 5432))
    this.#say('a stranger is refused by the receiver', !(await this.#passes(4, 2, 'tcp', 80)))
    for (const [port, inside] of [
      [5999, false],
      [6000, true],
      [6010, true],
      [6011, false],
    ] as const)
      this.#say(`range 6000-6010: ${port}`, (await this.#passes(1, 2, 'udp', port)) === inside)
    this.#say('icmp echo allowed', await this.#passes(1, 2, 'icmp', 8))
    this.#say('icmpv6 echo allowed', await this.#passes(1, 2, 'icmp', 128, v6))
    this.#say('icmp echo denied', !(await this.#passes(1, 3, 'icmp', 8)))
    this.#say('fail-safe path open where all else is denied', await this.#passes(2, 1, 'udp', 53))
  }

  async hygiene(): Promise<void> {
    const lie4 = craft(v4(3), v4(2), 'tcp', 5432, this.#id++)
    this.#say('spoofed v4 source dropped', !(await this.#arrives(1, 2, lie4)))
    const lie6 = craft(v6(3), v6(2), 'tcp', 5432, this.#id++)
    this.#say('spoofed v6 source dropped', !(await this.#arrives(1, 2, lie6)))
    const stray = craft(v4(1), v4(2), 'tcp', 5432, this.#id++, 0x10)
    this.#say('tcp midstream without a flow dropped', !(await this.#arrives(1, 2, stray)))
    await this.#network.nft(
      'table inet other {\n chain p {\n  type filter hook prerouting priority -300; policy accept;\n  udp dport 6009 notrack\n }\n}\n',
    )
    this.#say('untracked dropped', !(await this.#passes(1, 2, 'udp', 6009)))
    await this.#network.nft('delete table inet other\n')
    const refused = await this.#network.open(1, 'udp', v4(2), 6007)
    const error = async () => (await this.#network.read(1, refused)).error === 'ECONNREFUSED'
    this.#say('related icmp error delivered: port unreachable', await within(1_000, error))
    const asked = this.#craft(1, 2, 'udp', 6008)
    await this.#arrives(1, 2, asked)
    const tooBig = craftTooBig(v4(2), v4(1), asked.bytes)
    this.#say('related icmp error delivered: fragmentation needed', await this.#arrives(2, 1, tooBig))
    await this.#network.forget(1)
    const unasked = craftTooBig(v4(2), v4(1), this.#craft(1, 2, 'udp', 6008).bytes)
    this.#say('icmp error about no flow dropped', !(await this.#arrives(2, 1, unasked)))
    await this.#load(stateOf({ w1: [none, none] }))
    this.#say('foreign traffic untouched', await this.#passes(3, 4, 'tcp', 80))
    await this.#load(stateOf(USUAL))
    const found = readBack(await this.#network.list())
    this.#say('read back: equal', found !== null && differences(this.#loaded!, found).length === 0)
    this.#say('read back: hash', found?.confirmed === this.#loaded!.hash && found.pending === null)
    this.#say('denies counted by rule', (found?.counters.get('failsafe/dns')?.packets ?? 0) > 0)
  }

  async flows(): Promise<void> {
    const net = this.#network
    for (const protocol of ['tcp', 'udp'] as const) {
      const port = protocol === 'tcp' ? 5432 : 6005
      for (const [name, address] of [
        ['v4', v4],
        ['v6', v6],
      ] as const) {
        await net.serve(2, protocol, address(2), port)
        const flow = await net.open(1, protocol, address(2), port)
        const bytes = async () => (await net.read(1, flow)).bytes
        this.#say(`${protocol} ${name} flow runs`, await within(2_000, async () => (await bytes()) > 1_000))
        await this.#load(stateOf({ ...USUAL, w1: [none, fromAnyone] }))
        // What the kernel had delivered before the shift may still be unread for a moment.
        await within(80, async () => false)
        const settled = await bytes()
        await within(250, async () => (await bytes()) > settled)
        this.#say(`${protocol} ${name} established flow stops`, (await bytes()) === settled)
        await this.#load(stateOf(USUAL))
        this.#say(`${protocol} ${name} flow goes on after`, await within(4_000, async () => (await bytes()) > settled))
      }
    }
    await this.#firstPacket()
  }

  /** The very next packet after the transaction, in each direction of an established flow. */
  async #firstPacket(): Promise<void> {
    const id = this.#id++
    const ask = craft(v4(1), v4(2), 'udp', 6003, id)
    const reply = craft(v4(2), v4(1), 'udp', id, 6003)
    this.#say('flow set up: first packet', await this.#arrives(1, 2, ask))
    this.#say('flow set up: its reply', await this.#arrives(2, 1, reply))
    await this.#load(stateOf({ ...USUAL, w1: [none, fromAnyone] }))
    for (const i of [1, 2]) await this.#network.forget(i)
    this.#say('next packet after the shift dropped', !(await this.#arrives(1, 2, ask)))
    this.#say('next reply after the shift dropped', !(await this.#arrives(2, 1, reply)))
    await this.#load(stateOf({ ...USUAL, w2: [none, none] }))
    this.#say('ingress shift: next packet dropped', !(await this.#arrives(1, 2, ask)))
    this.#say('ingress shift: next reply dropped', !(await this.#arrives(2, 1, reply)))
    await this.#load(stateOf(USUAL))
    this.#say('both pass again', (await this.#arrives(1, 2, ask)) && (await this.#arrives(2, 1, reply)))
  }

  async undo(): Promise<void> {
    const before = this.#loaded!
    const cut = await this.#load(stateOf({ ...USUAL, w1: [none, none] }), 1_500)
    this.#say('pending shift in force', !(await this.#passes(1, 2, 'tcp', 5432)))
    const during = readBack(await this.#network.list())
    this.#say('pending shift read back', during?.pending?.hash === cut.hash && during.confirmed === before.hash)
    const back = await within(4_000, () => this.#passes(1, 2, 'tcp', 5432))
    this.#say('unconfirmed shift undone by the kernel, nobody acting', back)
    const after = readBack(await this.#network.list())
    this.#say(
      'undone to the last confirmed state',
      after !== null && after.pending === null && differences(before, after).length === 0,
    )
    await this.#load(stateOf({ ...USUAL, w1: [none, none] }), 60_000)
    await this.#network.nft(revertDelta(before, cut, Date.now()))
    this.#say('reverted before its time', await this.#passes(1, 2, 'tcp', 5432))
    await this.#load(stateOf({ ...USUAL, w1: [none, none] }), 1_000)
    await this.#network.nft(confirmDelta(before, cut, Date.now()))
    const outlives = await within(1_600, () => this.#passes(1, 2, 'tcp', 5432))
    this.#say('confirmed shift outlives its deadline', !outlives)
    this.#loaded = cut
    const confirmed = readBack(await this.#network.list())
    this.#say(
      'confirmed state read back',
      confirmed?.confirmed === cut.hash && differences(cut, confirmed).length === 0,
    )
    await this.#network.nft(removeText())
    this.#loaded = null
    await this.#load(stateOf({ w1: [none, none] }), 1_200)
    this.#say('first load pending: in force', !(await this.#passes(1, 3, 'tcp', 80)))
    this.#say('first load undone by the kernel', await within(4_000, () => this.#passes(1, 3, 'tcp', 80)))
  }

  async automatic(): Promise<void> {
    const lists: Lists = { w1: [open, open], w2: [open, open], w3: [open, open] }
    const neverBlock = [v4(2), 'fd77:2::/64']
    await this.#load(stateOf(lists, { neverBlock }))
    const reflex = async (peer: string, timeout: string) => {
      for (const { set, element } of reflexElements(this.#network.bindings[2]!, peer))
        await this.#network.nft(`add element inet guise ${set} { ${element} timeout ${timeout} }\n`)
    }
    await reflex(v4(1), '1200ms')
    await reflex(v6(1), '60s')
    await reflex(v4(2), '60s')
    await reflex(v6(2), '60s')
    this.#say('reflex drops v4', !(await this.#passes(3, 1, 'tcp', 80)))
    this.#say('reflex drops v6', !(await this.#passes(3, 1, 'tcp', 80, v6)))
    this.#say('reflex drops what its peer starts', !(await this.#passes(1, 3, 'tcp', 80)))
    this.#say('reflex hits one pair only', await this.#passes(2, 1, 'tcp', 80))
    this.#say('never-block above reflex v4', await this.#passes(3, 2, 'tcp', 80))
    this.#say('never-block above reflex v6', await this.#passes(3, 2, 'tcp', 80, v6))
    this.#say('fail-safe above reflex', await this.#passes(3, 1, 'udp', 53))
    this.#say('reflex ends by itself', await within(4_000, () => this.#passes(3, 1, 'tcp', 80)))
    const state = stateOf(lists, { neverBlock })
    const contained = (directions: 'egress' | 'both', ms: number): AgentState => ({
      ...state,
      workloads: state.workloads.map((workload) =>
        workload.key === 'w3'
          ? { ...workload, containment: { directions, until: Date.now() + ms, why: why('mitigate/isolate') } }
          : workload,
      ),
    })
    await this.#load(contained('egress', 60_000))
    this.#say('containment drops egress', !(await this.#passes(3, 1, 'udp', 80)))
    this.#say('containment of egress leaves ingress', await this.#passes(1, 3, 'udp', 80))
    this.#say('containment keeps fail-safe paths', await this.#passes(3, 1, 'udp', 53))
    this.#say('never-block above containment', await this.#passes(3, 2, 'udp', 80))
    await this.#load(contained('both', 1_500))
    this.#say('containment of both drops ingress', !(await this.#passes(1, 3, 'udp', 80)))
    this.#say('containment ends by itself', await within(4_000, () => this.#passes(3, 1, 'udp', 80)))
  }

  /** The host driver, in the namespace of w4: `input` and `output` instead of `forward`. */
  async host(): Promise<void> {
    const net = this.#network
    const namespace = net.namespaceOf(4)
    const binding = { key: 'host', interface: null, addresses: [v4(4)], driver: 'host' as const }
    const ssh: RuleList = {
      rules: [
        {
          verdict: 'allow',
          match: { peer: { kind: 'any' }, service: { protocol: 'tcp', from: 22, to: 22 } },
          why: why('ssh'),
        },
      ],
      otherwise: 'deny',
      why: why('default-deny'),
    }
    await net.nft(removeText())
    await net.nft(
      compileDelta(null, compileAgent(stateOf({ host: [ssh, ssh] }), [binding]), { pendingMs: null, now: Date.now() }),
      namespace,
    )
    // A closed port answers with a reset, which shows that both the question and its answer passed.
    const answered = async (port: number): Promise<boolean> => {
      const id = this.#id++
      const reset = `${v4(4)} ${v4(3)} 6 ${port} ${id}`
      await net.send(3, [craft(v4(3), v4(4), 'tcp', port, id)])
      return within(150, async () => (await net.receipts(3)).has(reset))
    }
    this.#say('host ingress allowed', await answered(22))
    this.#say('host ingress denied', !(await answered(80)))
    this.#say('host egress allowed', await this.#passes(4, 3, 'tcp', 22))
    // The kernel tells a raw sender that its packet was dropped on the way out (EPERM): that is a verdict, too.
    this.#say('host egress denied', !(await this.#passes(4, 3, 'tcp', 80).catch(() => false)))
    this.#say('host fail-safe', await this.#passes(4, 3, 'udp', 53))
    await net.serve(4, 'tcp', '127.0.0.1', 8080)
    const flow = await net.open(4, 'tcp', '127.0.0.1', 8080)
    this.#say('host loopback untouched', await within(1_000, async () => (await net.read(4, flow)).ready))
    await net.nft(removeText(), namespace)
    this.#say('table removed: host open', await answered(80))
  }
}
