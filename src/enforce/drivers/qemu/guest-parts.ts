/** The facets of which a guest's way is another one than a namespace's: the same wishes and states, through the agent in it. */
import { statSync } from 'node:fs'
import { type Tls, tlsFaults } from '../../../model/facets/tls.ts'
import { type Vpn, vpnFaults } from '../../../model/facets/vpn.ts'
import type { FacetPart, Place, Probe } from '../../facet.ts'
import { type Installed, readyFor, wantOf } from '../../facets/tls/install.ts'
import { type Found, tunnelText } from '../../facets/vpn/tunnel.ts'
import { wantedTunnel } from '../../facets/vpn.ts'
import { secretsFolder, secretsHome } from '../../secret-files.ts'
import { guestAnswers, guestOf } from './guest-agent.ts'
import { captureCertificates, convergeCertificates } from './guest-certificates.ts'
import { captureGuestTunnel, convergeGuestTunnel } from './guest-tunnel.ts'

/** `part` everywhere but in a guest, `guest` there. */
export function inGuestsToo<Wish, State>(
  part: FacetPart<Wish, State>,
  guest: Omit<FacetPart<Wish, State>, 'facet' | 'clash' | 'stages'>,
): FacetPart<Wish, State> {
  const of = (place: Place) => (isGuest(place) ? guest : part)
  return {
    ...part,
    refusal: (place, wish, whole) => of(place).refusal(place, wish, whole),
    capture: (place) => of(place).capture(place),
    wanted: (place, original, wish) => of(place).wanted(place, original, wish),
    converge: (place, wanted) => of(place).converge(place, wanted),
    undo: (place, from, to) => of(place).undo(place, from, to),
    probes: (place, from, to) => of(place).probes?.(place, from, to) ?? [],
  }
}

/**
 * A machine that stands still, or has only just been started, has no inside: nothing is written there, and what it should
 * wear is put on when it answers, by the next look at what is there.
 */
export function whileRunning<Wish, State>(part: FacetPart<Wish, State>): FacetPart<Wish, State> {
  return unless(part, isAway)
}

/** What is done to our end of a link: libvirt takes it along when a domain ends. */
export function whilePlugged<Wish, State>(part: FacetPart<Wish, State>): FacetPart<Wish, State> {
  return unless(part, async (place) => place.key.startsWith('libvirt:') && startedAt(place) === 'stands')
}

function unless<Wish, State>(
  part: FacetPart<Wish, State>,
  isGone: (place: Place) => Promise<boolean>,
): FacetPart<Wish, State> {
  const away = async (place: Place) => (await isGone(place)) || (await part.isAway?.(place)) === true
  const when = async (place: Place, act: () => Promise<void>) => ((await away(place)) ? undefined : act())
  const { stages } = part
  return {
    ...part,
    isAway: away,
    converge: (place, wanted) => when(place, () => part.converge(place, wanted)),
    ...(stages === undefined
      ? {}
      : {
          stages: {
            ...stages,
            prepare: (place, from, to) => when(place, () => stages.prepare(place, from, to)),
            switch: (place, from, to) => when(place, () => stages.switch(place, from, to)),
            finish: (place, from, to) => when(place, () => stages.finish(place, from, to)),
          },
        }),
    probes: (place, from, to) =>
      (part.probes?.(place, from, to) ?? []).map((ask) => async () => {
        if (!(await away(place))) return ask()
        return { name: part.facet, ok: true, detail: 'nobody is there to ask; it is put on when somebody is' }
      }),
  }
}

/** A guest that says nothing for longer than this after its start is no guest that is still starting. */
const STARTS_WITHIN_MS = 120_000

/** Looks come from several parts at once, and a guest that starts has nothing to say to any of them. */
const ASKED_AGAIN_MS = 1_000
const ASKED_FOR_MS = 1_000
const unanswered = new Map<string, number>()
/** Which start of it answered: from then on, silence is a fault. */
const answered = new Map<string, number>()

async function isAway(place: Place): Promise<boolean> {
  const started = startedAt(place)
  if (started === null || started === 'stands') return started === 'stands'
  if (Date.now() - started > STARTS_WITHIN_MS) return false
  const agent = agentOf(place)
  if (answered.get(agent) === started) return false
  if (performance.now() - (unanswered.get(agent) ?? -ASKED_AGAIN_MS) < ASKED_AGAIN_MS) return true
  if (await guestAnswers(agent, ASKED_FOR_MS)) {
    answered.set(agent, started)
    return false
  }
  unanswered.set(agent, performance.now())
  return true
}

/** epoch ms. QEMU makes its sockets when it starts and takes them along when it ends, as a domain's door comes and goes; null = no guest. */
function startedAt(place: Place): number | 'stands' | null {
  if (!isGuest(place)) return null
  return statSync(agentOf(place), { throwIfNoEntry: false })?.mtimeMs ?? 'stands'
}

function isGuest({ namespace, monitor }: Place): boolean {
  return namespace === null && guestOf(monitor) !== null
}

function agentOf({ key, monitor }: Place): string {
  const guest = guestOf(monitor)
  if (guest === null) throw new Error(`${key} is no guest of ours`)
  return guest
}

type GuestPart<Wish, State> = Omit<FacetPart<Wish, State>, 'facet'>

export const guestVpn: GuestPart<Vpn, Found> = {
  refusal(_, wish) {
    const [fault] = vpnFaults(wish)
    return fault === undefined ? null : `${fault.why}; ${fault.cure}`
  },
  capture: (place) => captureGuestTunnel(agentOf(place)),
  wanted(place, original, wish) {
    if (original.others.includes(wish.interface))
      throw new Error(`${place.key} has another interface ${wish.interface}; give the tunnel another name`)
    return { tunnel: wantedTunnel(wish), others: [] }
  },
  converge: (place, { tunnel }) => convergeGuestTunnel(agentOf(place), tunnel, secretsFolder()),
  normalise: ({ tunnel }) => tunnelText(tunnel),
  undo(place, { tunnel }) {
    const write = { what: 'tunnel', tunnel, secrets: secretsFolder() } as const
    return [{ run: 'guest', guest: agentOf(place), write, lenient: true }]
  },
  probes: (place, _, { tunnel }) => (tunnel === null ? [] : [() => stands(place, tunnel.interface, tunnel.publicKey)]),
}

async function stands(place: Place, name: string, publicKey: string): Promise<Probe> {
  const { tunnel } = await captureGuestTunnel(agentOf(place))
  const ok = tunnel?.up === true && tunnel.publicKey === publicKey
  return { name: `tunnel ${name}`, ok, detail: ok ? 'is up with its key' : 'is not up' }
}

export const guestTls: GuestPart<Tls, readonly Installed[]> = {
  refusal(_, wish) {
    const [fault] = tlsFaults(wish)
    return fault === undefined ? null : `${fault.why}; ${fault.cure}`
  },
  capture: (place) => captureCertificates(agentOf(place), place.key, secretsHome()),
  wanted({ key }, _, { certificates }) {
    for (const certificate of certificates) readyFor({ key, namespace: null, root: null }, certificate, secretsHome())
    return certificates.map((certificate) => ({ name: certificate.name, want: wantOf(certificate), certificate }))
  },
  converge: (place, wanted) => convergeCertificates(agentOf(place), place.key, wanted, secretsHome()),
  normalise: (state) => JSON.stringify(state.map(({ name, want }) => `${name} ${want}`).sort()),
  undo(place, certificates) {
    const write = { what: 'certificates', key: place.key, certificates, home: secretsHome() } as const
    return [{ run: 'guest', guest: agentOf(place), write, lenient: true }]
  },
}
