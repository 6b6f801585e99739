/**
 * One walk through random policy sets on real packets: each set is loaded into the router, what is known of flows from
 * before goes on under it, and new flows begin. What arrives, and what its sender is told, must be what the evaluator says.
 */
import { compileDelta, confirmDelta, revertDelta } from '../../src/compile/delta.ts'
import { evaluate, type Judgement, type Live, type Packet } from '../../src/compile/evaluate.ts'
import { type Compiled, compileAgent, learnedElement, reflexElements } from '../../src/compile/nft.ts'
import type { AgentState } from '../../src/model/desired.ts'
import { nameOf, resetName, toldName } from '../dispatch/ear.ts'
import { COUNT, type Network, v4, v6, within } from '../dispatch/network.ts'
import { octets } from '../dispatch/packets.ts'
import { PORTS, pick, randomState } from '../dispatch/random.ts'
import { type Random, seeded } from '../seeded.ts'
import { craftError, craftStage, type Protocol, type Stage, type Thread } from './packet.ts'

export type Tally = {
  /** Random states. */
  sets: number
  /** Of those, how many were tried once more, with the rules of each worn by another: no set of their own. */
  swaps: number
  packets: number
  mismatches: number
  allowed: number
  /** Of the packets. */
  established: number
  related: number
  answered: number
  examples: string[]
}

type Known = { readonly thread: Thread; readonly from: number; readonly to: number; answered: boolean; shifts: number }
type Shot = {
  readonly what: Stage | 'error' | 'stray'
  readonly known: Known
  /** Whose namespace it leaves, and whose it should reach. */
  readonly leaves: number
  readonly reaches: number
  readonly bytes: Buffer
  readonly packet: Packet
}

const [OPENED, CONTINUED] = [26, 16]
/** A flow is followed through so many changes of the rules. */
const MOST_SHIFTS = 3
/** The shortest time after which conntrack forgets a flow that these packets keep up (UDP and ICMP: 30 s). */
const FORGOTTEN_MS = 15_000

export async function walk(
  network: Network,
  load: (text: string) => Promise<unknown>,
  options: { readonly seed: number; readonly sets: number; readonly budgetMs: number },
): Promise<Tally> {
  const scenario = new Scenario(network, load, options.seed)
  const end = performance.now() + options.budgetMs
  await scenario.listen()
  for (let n = 0; n < options.sets && performance.now() < end; n++) await scenario.next(n)
  return scenario.tally
}

class Scenario {
  readonly tally: Tally = {
    sets: 0,
    swaps: 0,
    packets: 0,
    mismatches: 0,
    allowed: 0,
    established: 0,
    related: 0,
    answered: 0,
    examples: [],
  }
  readonly #network: Network
  readonly #load: (text: string) => Promise<unknown>
  readonly #random: Random
  #held: Compiled | null = null
  #flows: Known[] = []
  #at = 0
  #next = 1_024
  #mark = 1
  /** Names of what must never arrive, however late. */
  readonly #denied = new Map<string, string>()

  constructor(network: Network, load: (text: string) => Promise<unknown>, seed: number) {
    this.#network = network
    this.#load = load
    this.#random = seeded(seed)
  }

  async listen(): Promise<void> {
    await this.#network.hush()
    for (let i = 1; i <= COUNT; i++) await this.#network.hear(i)
  }

  async next(n: number): Promise<void> {
    this.tally.sets++
    const state = this.#withEnded(randomState(this.#random, n, 'budgets'))
    const live = await this.#shift(state, n)
    await this.#round(state, live)
    if (n % 2 === 1) await this.#swap(state, live)
  }

  /** Each wears what another wore: shifts to rules that are there, looked at while they are pending. */
  async #swap(state: AgentState, live: Live): Promise<void> {
    this.tally.swaps++
    const { workloads } = state
    const swapped = workloads.map((one, i) => {
      const { egress, ingress } = workloads[(i + 1) % workloads.length]!
      return this.#random(4) === 0 ? { ...one, egress } : { ...one, egress, ingress }
    })
    const next = { ...state, workloads: swapped }
    const after = compileAgent(next, this.#network.bindings)
    await this.#load(compileDelta(this.#held, after, { pendingMs: 60_000, now: live.now }))
    await this.#round(next, live)
    if (this.#random(2) === 0) await this.#load(revertDelta(this.#held, after, live.now))
    else {
      await this.#load(confirmDelta(this.#held, after, live.now))
      this.#held = after
    }
  }

  async #round(state: AgentState, live: Live): Promise<void> {
    const old = performance.now() - this.#at > FORGOTTEN_MS ? [] : this.#flows
    this.#at = performance.now()
    this.#flows = await this.#fire(
      state,
      live,
      old.flatMap((known) => this.#goOn(known)),
    )
    const opened = await this.#fire(
      state,
      live,
      Array.from({ length: OPENED }, () => this.#open()),
    )
    this.#flows.push(...opened)
    const asked = opened.filter(() => this.#random(2) === 0)
    await this.#fire(
      state,
      live,
      asked.map((known) => this.#shot(known, 'answer')),
    )
    for (const known of asked) known.answered = true
    this.#flows = this.#flows.filter(({ shifts }) => shifts < MOST_SHIFTS).slice(-CONTINUED)
  }

  /** Straight, confirmed after a while pending, or after another change was taken back. Then reflexes as the agent writes them. */
  async #shift(state: AgentState, n: number): Promise<Live> {
    const now = Date.now()
    const after = compileAgent(state, this.#network.bindings)
    const way = n % 3
    if (way === 1) {
      await this.#load(compileDelta(this.#held, after, { pendingMs: 60_000, now }))
      await this.#load(confirmDelta(this.#held, after, now))
    } else {
      if (way === 2) {
        const other = compileAgent(randomState(this.#random, n, 'budgets'), this.#network.bindings)
        await this.#load(compileDelta(this.#held, other, { pendingMs: 60_000, now }))
        await this.#load(revertDelta(this.#held, other, now))
      }
      await this.#load(compileDelta(this.#held, after, { pendingMs: null, now }))
    }
    this.#held = after
    const reflexes = this.#random(3) > 0 ? [] : this.#reflexes(state)
    const text = reflexes.flatMap(({ key, peer }) =>
      reflexElements(this.#network.bindings.find((one) => one.key === key)!, peer).map(
        ({ set, element }) => `add element inet guise ${set} { ${element} timeout 600000ms }\n`,
      ),
    )
    const flushed = ['reflex4', 'reflex6', 'reflex_dev4', 'reflex_dev6'].map((set) => `flush set inet guise ${set}\n`)
    await this.#load([...flushed, ...text].join(''))
    return { now, reflexes, learned: await this.#learn(state, after) }
  }

  /** What names stand for, written as the agent writes it; of the sets that a rule names, the others are not there. */
  async #learn(state: AgentState, { sets }: Compiled): Promise<NonNullable<Live['learned']>> {
    const there = state.sets.filter(
      ({ name, learned }) => learned !== undefined && sets.has(learnedElement(name, v4(1))!.set),
    )
    const learned = there.flatMap(({ name }) =>
      Array.from({ length: this.#random(4) }, () => ({
        set: name,
        address: pick(this.#random, [v4, v6])(1 + this.#random(COUNT)),
      })),
    )
    const flushed = there.flatMap(({ name }) =>
      [v4(1), v6(1)].flatMap((one) => {
        const { set } = learnedElement(name, one)!
        const written = [...sets.get(set)!.elements].map((element) => `add element inet guise ${set} { ${element} }\n`)
        return [`flush set inet guise ${set}\n`, ...written]
      }),
    )
    const added = learned.map(({ set, address }) => {
      const place = learnedElement(set, address)!
      return `add element inet guise ${place.set} { ${place.element} timeout 600000ms }\n`
    })
    await this.#load([...flushed, ...added].join(''))
    return learned
  }

  #reflexes(state: AgentState): { key: string; peer: string }[] {
    const { key } = pick(this.#random, state.workloads)
    const peer = 1 + this.#random(COUNT)
    return [v4(peer), v6(peer)].map((address) => ({ key, peer: address }))
  }

  /** Some containments are over. */
  #withEnded(state: AgentState): AgentState {
    return {
      ...state,
      workloads: state.workloads.map((one) =>
        one.containment === null || this.#random(4) > 0
          ? one
          : { ...one, containment: { ...one.containment, until: Date.now() - 1_000 } },
      ),
    }
  }

  #open(): Shot {
    const random = this.#random
    const from = 1 + random(COUNT)
    const to = 1 + ((from + random(COUNT - 1)) % COUNT)
    const six = random(2) === 0
    const address = six ? v6 : v4
    const protocol = pick(random, ['tcp', 'tcp', 'udp', 'udp', 'icmp', 'sctp'] as const)
    const port =
      protocol === 'icmp'
        ? pick(random, six ? [128, 128, 139] : [8, 8, 13])
        : pick(random, PORTS) + pick(random, [0, 0, 0, 1, 5, 11])
    // One in fourteen lies about where it comes from.
    const source = random(14) === 0 ? address(1 + random(COUNT)) : address(from)
    this.#next = this.#next >= 65_000 ? 1_024 : this.#next + 1
    const thread: Thread = { from: source, to: address(to), protocol, port, id: this.#next }
    const known = { thread, from, to, answered: false, shifts: 0 }
    // An answer to a lie of its own address would never leave.
    return random(12) === 0 && source !== thread.to ? this.#stray(known) : this.#shot(known, 'open')
  }

  /** What conntrack can tell belongs to nothing: an acknowledgement or an error without a flow. */
  #stray(known: Known): Shot {
    const { thread } = known
    if (thread.protocol === 'tcp') return this.#shot(known, this.#random(2) === 0 ? 'more' : 'answer', 'stray')
    return this.#error(known, craftStage(thread, 'open', this.#newMark()), 'stray')
  }

  #goOn(known: Known): Shot[] {
    known.shifts++
    const kinds: Shot[] = []
    const there = this.#shot(known, known.answered ? 'more' : 'open')
    const back = this.#shot(known, known.answered ? 'reply' : 'answer')
    const error = this.#error(known, there.bytes, 'error')
    // An answer changes what conntrack expects next, so what comes after it would be another stage.
    if (this.#random(4) === 0) kinds.push(error)
    if (this.#random(2) === 0) kinds.push(there)
    if (kinds.length === 0 || (known.answered && this.#random(2) === 0)) {
      kinds.push(back)
      known.answered = true
    }
    return kinds
  }

  #newMark(): number {
    this.#mark = this.#mark >= 65_535 ? 1 : this.#mark + 1
    return this.#mark
  }

  #shot(known: Known, stage: Stage, what: Shot['what'] = stage): Shot {
    const { thread, from, to, shifts, answered } = known
    const back = stage === 'answer' || stage === 'reply'
    const bytes = craftStage(thread, stage, this.#newMark())
    const tracking = what === 'stray' ? 'invalid' : back ? 'reply' : shifts === 0 && !answered ? 'first' : 'original'
    return this.#aim(known, what, bytes, tracking, back ? [to, from] : [from, to], back ? thread.to : thread.from)
  }

  /** From where `about` went to, back to where it came from. */
  #error(known: Known, about: Buffer, what: 'error' | 'stray'): Shot {
    const { thread, from, to } = known
    const bytes = craftError(about, this.#newMark())
    const tracking = what === 'error' ? 'related-icmp' : 'invalid'
    return this.#aim(known, what, bytes, tracking, [to, from], thread.to)
  }

  #aim(
    known: Known,
    what: Shot['what'],
    bytes: Buffer,
    tracking: Packet['tracking'],
    [leaves, aimed]: readonly [number, number],
    source: string,
  ): Shot {
    const { from, to, protocol, port } = known.thread
    const flow = { from, to, protocol, port }
    const target = source === known.thread.to ? known.thread.from : known.thread.to
    // What answers a lie goes to the owner of the address.
    const reaches = ownerOf(target) ?? aimed
    const at = (i: number) => this.#network.bindings[i - 1]!
    const [{ interface: enters, mac }, { interface: out }] = [at(leaves), at(reaches)]
    const packet: Packet = {
      enters,
      leaves: out,
      source,
      target,
      tracking,
      flow,
      ...(mac === undefined ? {} : { mac }),
    }
    return { what, known, leaves, reaches, bytes, packet }
  }

  /** Sends all, judges all; gives the flows that still stand. */
  async #fire(state: AgentState, live: Live, shots: readonly Shot[]): Promise<Known[]> {
    const { bindings } = this.#network
    const expected = shots.map(({ packet }) => evaluate(state, bindings, packet, live))
    for (let i = 1; i <= COUNT; i++) {
      const own = shots.filter(({ leaves }) => leaves === i)
      if (own.length > 0)
        await this.#network.send(
          i,
          own.map(({ bytes, known, reaches, packet }) => ({
            to: packet.tracking === 'reply' || reaches === known.from ? known.thread.from : known.thread.to,
            bytes,
            receipt: '',
          })),
        )
    }
    const heard: Set<string>[] = Array.from({ length: COUNT }, () => new Set())
    const awaited = shots.flatMap((shot, i) => waitedFor(shot, expected[i]!))
    await within(1_500, async () => {
      for (let i = 1; i <= COUNT; i++) for (const name of await this.#network.hear(i)) heard[i - 1]!.add(name)
      return awaited.every(({ at, name }) => heard[at - 1]!.has(name))
    })
    this.#late(heard)
    const lost = new Set<Known>()
    for (const [i, shot] of shots.entries()) this.#count(shot, expected[i]!, heard, lost)
    return [...new Set(shots.map(({ known }) => known))].filter((known) => !lost.has(known))
  }

  #count(shot: Shot, expected: Judgement, heard: readonly Set<string>[], lost: Set<Known>): void {
    const { tally } = this
    const arrived = heard[shot.reaches - 1]!.has(nameOf(shot.bytes)!)
    const names = answersTo(shot)
    const told = heard[asker(shot) - 1]!
    const answer = told.has(names.reset) ? 'reset' : told.has(names.told) ? 'unreachable' : undefined
    tally.packets++
    if (arrived) tally.allowed++
    if (answer !== undefined) tally.answered++
    if (shot.packet.tracking === 'original' || shot.packet.tracking === 'reply') tally.established++
    if (shot.packet.tracking === 'related-icmp') tally.related++
    // A flow that never came about, and one that was reset, are no flows to go on with.
    if ((shot.packet.tracking === 'first' && !arrived) || shot.what === 'stray' || answer !== undefined)
      lost.add(shot.known)
    if (isLie(shot.known)) lost.add(shot.known)
    if (!arrived) this.#denied.set(nameOf(shot.bytes)!, describe(shot))
    const kernel = arrived ? 'allow' : 'deny'
    if (kernel === expected.verdict && answer === expected.answer) return
    tally.mismatches++
    tally.examples.push(
      `set ${tally.sets}: ${describe(shot)}: kernel ${kernel} ${answer ?? ''}, evaluator ${expected.verdict} ${expected.answer ?? ''} (${expected.why.rule})`,
    )
  }

  #late(heard: readonly Set<string>[]): void {
    for (const name of heard.flatMap((names) => [...names])) {
      const shot = this.#denied.get(name)
      if (shot === undefined) continue
      this.#denied.delete(name)
      this.tally.mismatches++
      this.tally.examples.push(`set ${this.tally.sets}: ${shot}: arrived late`)
    }
  }
}

/** What answers it goes to the owner of the address, who asked for nothing. */
function isLie({ thread, from }: Known): boolean {
  return thread.from !== v4(from) && thread.from !== v6(from)
}

function waitedFor(shot: Shot, { verdict, answer }: Judgement): { at: number; name: string }[] {
  if (verdict === 'allow') return [{ at: shot.reaches, name: nameOf(shot.bytes)! }]
  if (answer === undefined) return []
  return [{ at: asker(shot), name: answersTo(shot)[answer === 'reset' ? 'reset' : 'told'] }]
}

/** Where an answer to it goes: to the owner of its source address. */
function asker({ packet, leaves }: Shot): number {
  return ownerOf(packet.source) ?? leaves
}

function ownerOf(address: string): number | undefined {
  return Array.from({ length: COUNT }, (_, i) => i + 1).find((i) => [v4(i), v6(i)].includes(address))
}

/** What would be heard there of a refusal. */
function answersTo({ bytes, known: { thread }, packet }: Shot): { reset: string; told: string } {
  const six = thread.to.includes(':')
  const hex = (address: string) => octets(address, six).toString('hex')
  const back = packet.tracking === 'reply'
  const [asker, asked] = [hex(thread.from), hex(thread.to)]
  return {
    reset: back ? resetName(asker, asked, thread.id, thread.port) : resetName(asked, asker, thread.port, thread.id),
    told: toldName(bytes),
  }
}

function describe({ what, known: { thread }, leaves, packet }: Shot): string {
  return `${what} of ${thread.from} → ${thread.to} ${thread.protocol as Protocol} ${thread.port} from w${leaves} (${packet.tracking})`
}
