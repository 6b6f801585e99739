/** The sides of one thing, each with an address of its own, so that it can be linked to and opened beside. */
import { Link } from 'react-router'
import { count } from '../format.ts'

export type TabOf<T extends string> = {
  readonly name: T
  readonly to: string
  readonly word: string
  /** How many there are to see. */
  readonly n?: number | null
}

type TabsProps<T extends string> = {
  readonly label: string
  readonly of: readonly TabOf<T>[]
  readonly chosen: T
  /** Another tab of the same page: the way back leads out of the page, not through its tabs. */
  readonly replace?: boolean
}

export function Tabs<T extends string>({ label, of, chosen, replace = false }: TabsProps<T>) {
  return (
    <nav className="tabs" aria-label={label}>
      {of.map(({ name, to, word, n = null }) => (
        <Link key={name} to={to} replace={replace} aria-current={name === chosen ? 'page' : undefined}>
          {word}
          {n === null ? null : <span className="qq n"> {count(n)}</span>}
        </Link>
      ))}
    </nav>
  )
}
