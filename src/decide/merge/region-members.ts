/** The addresses that a derived set stands for. A set that resolves to nothing matches nothing, and so does its outside. */
import type { SetMeaning } from '../peer-sets.ts'
import { both, without } from './networks.ts'

type Derived = Extract<SetMeaning, { kind: 'region' }>
type Part = Derived['within'][number]

const EVERYBODY = ['0.0.0.0/0', '::/0']

export function regionMembers(
  { within, outside }: Derived,
  resolve: (meaning: SetMeaning) => readonly string[],
): string[] {
  const membersOf = (part: Part) => ('cidr' in part ? [part.cidr] : resolve(part))
  const taken = outside.map(membersOf)
  const isVoid = taken.some((members) => members.length === 0)
  const [first, ...more] = within.map(membersOf)
  if (first === undefined) return isVoid ? EVERYBODY : taken.flat()
  if (isVoid) return []
  const inEach = more.reduce<readonly string[]>(both, first)
  return taken.reduce<string[]>(without, [...inEach])
}
