/** Element numbers in, their names and kinds out, as NetFlow v9 or IPFIX calls them; parsed from the tables once. */
import { IANA_ELEMENTS, V9_ELEMENTS, V9_SCOPES } from './elements-iana.ts'
import { NETSCALER_UNKNOWN, VENDOR_ELEMENTS } from './elements-vendor.ts'
import { REVERSE } from './fields.ts'
import { type Field, SCOPE } from './template.ts'

/** The letters of elements-iana.ts; `u` = an unsigned number. */
export type ElementKind = 'u' | 's' | '4' | '6' | 'm' | 'o' | 'f' | 'a' | 'b' | 'l' | 'c' | 'x'
export type Element = { readonly name: string; readonly kind: ElementKind }

type Names = ReadonlyMap<number, Element>
const NETSCALER = 5951

function parse(table: string): Map<number, Element> {
  const names = new Map<number, Element>()
  for (const line of table.trim().split('\n')) {
    const [first, ...words] = line.split(' ')
    for (const [i, word] of words.entries()) {
      if (word === '-') continue
      const [name, kind] = word.split('/')
      names.set(Number(first) + i, { name: name!, kind: (kind ?? 'u') as ElementKind })
    }
  }
  return names
}

const IANA: Names = parse(IANA_ELEMENTS)
const V9: Names = parse(V9_ELEMENTS)
const SCOPES: Names = parse(V9_SCOPES)
const VENDORS: ReadonlyMap<number, Names> = new Map(
  Object.entries(VENDOR_ELEMENTS).map(([enterprise, table]) => [Number(enterprise), parse(table)]),
)

/** null = nobody has told us its name. */
export function elementOf(field: Field, version: 9 | 10): Element | null {
  const { enterprise, element } = field
  if (enterprise === SCOPE) return SCOPES.get(element) ?? null
  if (enterprise === 0) return (version === 9 ? V9.get(element) : undefined) ?? IANA.get(element) ?? null
  if (enterprise === REVERSE) return reversed(IANA.get(element))
  return VENDORS.get(enterprise)?.get(element) ?? (enterprise === NETSCALER ? netscaler(element) : null)
}

/** RFC 5103 §6.1 */
function reversed(forward: Element | undefined): Element | null {
  if (forward === undefined) return null
  const { name, kind } = forward
  return { name: `reverse${name.charAt(0).toUpperCase()}${name.slice(1)}`, kind }
}

function netscaler(element: number): Element | null {
  const { first, last, texts, octets } = NETSCALER_UNKNOWN
  if (element < first || element > last) return null
  const isIn = (list: readonly number[]) => list.includes(element)
  return { name: `netscalerUnknown${element}`, kind: isIn(texts) ? 's' : isIn(octets) ? 'o' : 'u' }
}
