/** What apt would do, from its own simulation (`apt-get -s`), and whether that is ours to do. */

export type AptPlan = {
  readonly installs: readonly { readonly name: string; readonly version: string; readonly replaces: string | null }[]
  readonly removes: readonly string[]
}

const NAME = '[a-z0-9][a-z0-9.+-]{0,127}'
const VERSION = '[A-Za-z0-9][A-Za-z0-9.+:~-]{0,127}'
const INSTALL = new RegExp(`^Inst (${NAME})(?::[a-z0-9-]+)? (?:\\[(${VERSION})\\] )?\\((${VERSION}) `)
const REMOVE = new RegExp(`^(?:Remv|Purg) (${NAME})(?::[a-z0-9-]+)? `)

/** Throws on a line of that kind which it cannot read: what is not understood is not done. */
export function parsePlan(text: string): AptPlan {
  const installs: { name: string; version: string; replaces: string | null }[] = []
  const removes = new Set<string>()
  for (const line of text.split('\n')) {
    const install = INSTALL.exec(line)
    const remove = REMOVE.exec(line)
    if (install !== null) installs.push({ name: install[1]!, version: install[3]!, replaces: install[2] ?? null })
    else if (remove !== null) removes.add(remove[1]!)
    else if (/^(?:Inst|Remv|Purg)\b/.test(line)) throw new Error(`apt says what cannot be read: ${line.slice(0, 80)}`)
  }
  return { installs, removes: [...removes] }
}

/** Guise only adds, and only changes what it added. null when the plan keeps to that, else the sentence. */
export function foreignIn({ installs, removes }: AptPlan, ours: ReadonlySet<string>): string | null {
  const replaced = installs.find(({ name, replaces }) => replaces !== null && !ours.has(name))
  if (replaced !== undefined)
    return `${replaced.name} ${replaced.replaces} would become ${replaced.version}, and Guise did not install it; change it there, or ask for other versions`
  const removed = removes.find((name) => !ours.has(name))
  return removed === undefined ? null : `${removed} would be removed, and Guise did not install it`
}

/** Name → newest version that can be had, from `apt-cache policy`. */
export function parseCandidates(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  let name: string | null = null
  for (const line of text.split('\n')) {
    const head = new RegExp(`^(${NAME})(?::[a-z0-9-]+)?:$`).exec(line)
    const candidate = new RegExp(`^ {2}Candidate: (${VERSION})$`).exec(line)
    if (head !== null) name = head[1]!
    else if (candidate !== null && name !== null) found.set(name, candidate[1]!)
  }
  return found
}
