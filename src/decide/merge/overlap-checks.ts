/** What an overlap may say: weights that leave something for the first persona, nobody twice, and no setting that nothing reads. */
import { slug } from '../../model/ids.ts'
import type { Overlap } from '../../model/overlap.ts'

type Path = readonly (string | number)[]
type Add = (path: Path, why: string, cure: string) => void

/** `wearer`: of a persona's own overlap, whose it is. */
export function checkOverlap(overlap: Overlap, wearer: string | null, path: Path, add: Add): void {
  const { strategy = 'priority', with: beside = [], believed, trust, cut, cost } = overlap
  const seen = new Set<string>()
  beside.forEach(({ persona }, i) => {
    const id = slug(persona)
    const at = [...path, 'with', i, 'persona']
    if (wearer !== null && id === slug(wearer)) add(at, `${persona} is worn beside itself`, 'name another persona')
    if (seen.has(id)) add(at, `${persona} is here twice`, 'leave one out')
    seen.add(id)
  })
  const sum = beside.reduce((total, { weight }) => total + weight, 0)
  if (sum >= 1)
    add(
      [...path, 'with'],
      `the weights come to ${Number(sum.toFixed(3))}, which leaves nothing for the persona they stand beside`,
      'let them come to less than 1',
    )
  if (beside.length === 0 && believed === undefined && trust === undefined)
    add(path, 'nothing is said to overlap', 'add with (personas and weights) or believed (a probability)')
  if (cut !== undefined && strategy !== 'weighted')
    add([...path, 'cut'], `${strategy} has no cut`, 'leave it out, or use strategy: weighted')
  if (cost !== undefined && strategy !== 'expectedCost')
    add([...path, 'cost'], `${strategy} has no cost`, 'leave it out, or use strategy: expectedCost')
  if (cost === undefined && strategy === 'expectedCost')
    add(
      [...path, 'strategy'],
      'expectedCost does not say what things cost',
      'add cost, for example cost: {breach: 100, outage: 1}',
    )
  if (trust !== undefined && believed !== undefined && trust.inferred < believed)
    add(
      [...path, 'trust', 'inferred'],
      `a belief would be trusted at ${trust.inferred}, before it takes part at ${believed}`,
      `write ${believed} or more`,
    )
}
