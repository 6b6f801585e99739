/**
 * The `redirects` facet: table `inet guise_redirect`, a chain for each link in the order of its rules, before any other
 * translation at `prerouting`. The filter table judges what was asked for (conntrack's original tuple), so nothing passes by
 * a redirect that the rules would deny. Decided by a flow's first packet: what is open already stays where it is, and what
 * was led away stays there until it ends.
 */
import { createHash } from 'node:crypto'
import { canonicalText, parseAddress, parseCidr } from '../../model/address.ts'
import type { Redirect, RedirectsWish } from '../../model/facets/redirects.ts'
import { type FacetPart, faceOf, type Place } from '../facet.ts'
import { listedObjects } from '../load.ts'
import { runStep, type Step } from '../step.ts'

const TABLE = 'inet guise_redirect'
const FACE = /^[A-Za-z0-9_.-]{1,15}$/

/** Rules in nft's words. Of those that were read back only the names are known. */
export type RedirectsState = { readonly rules: readonly { readonly name: string; readonly text: string }[] }

const NOTHING: RedirectsState = { rules: [] }

export const redirects: FacetPart<RedirectsWish, RedirectsState> = {
  facet: 'redirects',
  noticed: 'look',
  untouched: NOTHING,
  refusal: ({ face }, wish) => (face === null ? 'it has no link of its own on this host' : badWish(wish)),
  onLink: () => true,
  capture: async (place) => (await read())?.chains.get(checked(place)) ?? NOTHING,
  wanted: (place, _, { flows, spared }) => ({
    rules: [
      ...spared.map(({ cidr, port }) => `${familyOf(cidr)} daddr ${cidr} tcp dport ${port} return`),
      // Who a flow is led to may ask that of others itself.
      ...flows
        .filter(({ address }) => !place.addresses.map(canonicalText).includes(canonicalText(address)))
        .map(ruleOf),
    ].map(named),
  }),
  async converge(place, wanted) {
    const face = checked(place)
    const found = await read()
    const others = [...(found?.chains.keys() ?? [])].filter((one) => one !== face)
    if (wanted.rules.length === 0 && others.length === 0) {
      if (found !== null) await runStep({ run: 'nft', text: `delete table ${TABLE}\n` })
      return
    }
    const isThere = found?.holds === true && namesOf(found.chains.get(face) ?? NOTHING) === namesOf(wanted)
    if (!isThere) await runStep({ run: 'nft', text: textOf(face, wanted) })
  },
  normalise: namesOf,
  undo: (place, from, to): Step[] =>
    namesOf(from) === namesOf(to) ? [] : [{ run: 'nft', text: textOf(checked(place), from), lenient: true }],
}

function checked(place: Place): string {
  const face = faceOf(place)
  if (!FACE.test(face)) throw new Error(`not an interface name: ${JSON.stringify(face)}`)
  return face
}

function badWish({ flows, spared }: RedirectsWish): string | null {
  const cidr = [...flows.flatMap((one) => [one.cidr, ...one.except]), ...spared.map((one) => one.cidr)].find(
    (text) => parseCidr(text) === null,
  )
  if (cidr !== undefined) return `${cidr} is no network`
  const wrong = flows.find(
    ({ address, cidr: of, from, to }) =>
      parseAddress(address) === null || familyOf(address) !== familyOf(of) || from > to,
  )
  return wrong === undefined ? null : `what fits ${wrong.cidr} cannot be led to ${wrong.address}`
}

const familyOf = (text: string) => (text.includes(':') ? 'ip6' : 'ip')

function ruleOf({ cidr, except, protocol, from, to, address, port }: Redirect): string {
  const family = familyOf(address)
  const but = except.filter((text) => familyOf(text) === family)
  const holes = but.length === 0 ? '' : ` ${family} daddr != { ${but.join(', ')} }`
  const ports = `${protocol} dport ${from === to ? from : `${from}-${to}`}`
  const where = port === null ? address : `${family === 'ip' ? address : `[${address}]`}:${port}`
  return `${family} daddr ${cidr}${holes} ${ports} dnat ${family} to ${where}`
}

function named(text: string): RedirectsState['rules'][number] {
  return { name: createHash('sha256').update(text).digest('hex').slice(0, 16), text }
}

function namesOf({ rules }: RedirectsState): string {
  return rules.map(({ name }) => name).join()
}

/** Everything of one link anew, in one transaction, whatever is there. */
function textOf(face: string, { rules }: RedirectsState): string {
  const chain = `${TABLE} r_${face}`
  const element = `element ${TABLE} faces { "${face}" : jump r_${face} }`
  return [
    `add table ${TABLE}`,
    `add map ${TABLE} faces { type ifname : verdict; }`,
    `add chain ${TABLE} prerouting { type nat hook prerouting priority -101; policy accept; }`,
    `flush chain ${TABLE} prerouting`,
    `add rule ${TABLE} prerouting iifname vmap @faces comment "guise/redirects"`,
    `add chain ${chain}`,
    `add ${element}`,
    `flush chain ${chain}`,
    ...rules.map(({ name, text }) => `add rule ${chain} ${text} comment "${name}"`),
    ...(rules.length === 0 ? [`delete ${element}`, `delete chain ${chain}`] : []),
    '',
  ].join('\n')
}

type Found = { readonly holds: boolean; readonly chains: ReadonlyMap<string, RedirectsState> }
type Listed = { readonly chain?: string; readonly comment?: string; readonly elem?: readonly unknown[] }

/** null = no such table. A chain that no packet of its link reaches is none. */
async function read(): Promise<Found | null> {
  const objects = await listedObjects<Listed>(TABLE)
  if (objects === null) return null
  const rules = objects.flatMap(({ rule }) => (rule === undefined ? [] : [rule]))
  const faces = objects.flatMap(({ map }) => (map?.elem ?? []).map((one) => String((one as [unknown])[0])))
  const of = (chain: string) => rules.filter((rule) => rule.chain === chain).map(({ comment = '' }) => comment)
  const holds = of('prerouting').join() === 'guise/redirects'
  const chains = new Map(
    faces.map((face) => [face, { rules: of(`r_${face}`).map((name) => ({ name, text: '' })) }] as const),
  )
  return { holds, chains: holds ? chains : new Map() }
}
