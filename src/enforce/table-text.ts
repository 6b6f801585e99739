/**
 * Text that `compile` wrote comes in; the same as changes of a netlink batch goes out, when every line of it is of the
 * kind that `compile` writes today: the table, its sets, chains and rules, and elements. The text stays the contract: the
 * journal keeps it, every loader takes it, and what this reader does not know for certain it leaves to nft.
 */
import { TABLE } from '../compile/base.ts'
import type { Hook, SetShape, TableChange } from '../netlink/nft-batch.ts'
import type { KeyType } from '../netlink/nft-key-types.ts'
import { isKeyType, readElementLine } from './element-text.ts'
import { readRule } from './rule-text.ts'

const COMMAND = /^(add|delete|flush) (table|chain|set|map) inet guise(?: ([A-Za-z_]\w{0,63}))?(?: \{ (.*) \})?$/
const BLOCK = /^ {0,2}(set|map|chain) ([A-Za-z_]\w{0,63}) \{$/
const HOOK = /^type filter hook (input|forward|output) priority (\d{1,4}); policy accept;$/

/** null = not for this way in. */
export function readTableText(text: string): TableChange[] | null {
  const lines = text.split('\n')
  const changes: TableChange[] = []
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!
    if (line === '') continue
    if (line === `table ${TABLE} {`) {
      const end = readTable(lines, at + 1, changes)
      if (end === null) return null
      at = end
      continue
    }
    const change = readElementLine(line) ?? readCommand(line)
    if (change === null) return null
    changes.push(change)
  }
  return changes
}

function readCommand(line: string): TableChange | null {
  const [, verb, what, name, body] = COMMAND.exec(line) ?? []
  if (what === 'table')
    return name === undefined && verb !== 'flush' ? { verb: verb === 'add' ? 'add-table' : 'delete-table' } : null
  if (name === undefined || (body !== undefined && !(verb === 'add' && what === 'set'))) return null
  if (what === 'chain') {
    if (verb === 'add') return { verb: 'add-chain', chain: name, hook: null }
    return { verb: verb === 'flush' ? 'flush-chain' : 'delete-chain', chain: name }
  }
  if (verb === 'flush') return { verb: 'flush', set: name }
  if (verb === 'delete') return what === 'set' ? { verb: 'delete-set', set: name } : null
  const shape = readShape('set', (body ?? '').split('; '))
  return shape === null ? null : { verb: 'add-set', set: name, shape }
}

/** What stands between the braces of a table; gives the line of the last. Chains first: a rule may lead to a later one. */
function readTable(lines: readonly string[], from: number, changes: TableChange[]): number | null {
  const rules: TableChange[] = []
  changes.push({ verb: 'add-table' })
  for (let at = from; at < lines.length; at++) {
    if (lines[at] === '}') {
      for (const rule of rules) changes.push(rule)
      return at
    }
    const [, what, name] = BLOCK.exec(lines[at]!) ?? []
    if (name === undefined) return null
    const end = lines.indexOf('  }', at + 1)
    if (end < 0) return null
    const body = lines.slice(at + 1, end).map((line) => line.trim())
    if (what === 'chain') {
      const [, hook, priority] = HOOK.exec(body[0] ?? '') ?? []
      const base = hook === undefined ? null : { hook: hook as Hook['hook'], priority: Number(priority) }
      changes.push({ verb: 'add-chain', chain: name, hook: base })
      for (const line of base === null ? body : body.slice(1)) {
        const rule = readRule(line)
        if (rule === null) return null
        rules.push({ verb: 'add-rule', chain: name, rule })
      }
    } else {
      const shape = readShape(what as 'set' | 'map', body)
      if (shape === null) return null
      changes.push({ verb: 'add-set', set: name, shape })
    }
    at = end
  }
  return null
}

function readShape(what: 'set' | 'map', body: readonly string[]): SetShape | null {
  const lines = body.map((line) => line.replace(/;$/, ''))
  const [, types = '', isMap] = /^type ([a-z0-9_]+(?: \. [a-z0-9_]+)*)( : verdict)?$/.exec(lines[0] ?? '') ?? []
  const key = types.split(' . ')
  if (!key.every((type): type is KeyType => isKeyType(type)) || (what === 'map') !== (isMap !== undefined)) return null
  const rest = lines.slice(1).join('; ')
  const [all, size, rates] = /^(?:size (\d{1,9}); )?flags (?:timeout|(dynamic,timeout; timeout 1m))$/.exec(rest) ?? []
  if (all === undefined || size === '0') return null
  const holds = what === 'map' ? 'verdicts' : rates === undefined ? 'members' : 'rates'
  if (what === 'map' && rates !== undefined) return null
  return { key, holds, size: size === undefined ? null : Number(size), timeoutMs: rates === undefined ? null : 60_000 }
}
