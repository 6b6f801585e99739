/**
 * `when`: an expression over a workload's context, in CEL (github.com/google/cel-spec). In: text and `Context`; out: does it
 * hold. The seam is `RuleEngine`; behind it @marcbachmann/cel-js, whose integers are BigInt and whose `matches` is
 * JavaScript's engine, both kept from the rest of Guise here.
 */
import { type ASTNode, Environment } from '@marcbachmann/cel-js'
import type { Outcome } from '../model/why.ts'
import type { Context, SureContext } from './context.ts'
import { patternRefusal } from './patterns.ts'

/** `holds` is false also when the evaluation fails (a missing label, no belief); then `failed` says why. */
export type Held = { readonly holds: boolean; readonly failed: string | null }
export type CompiledRule = { readonly text: string; evaluate(context: Context | SureContext): Held }
export type RuleEngine = {
  /** Refused: does not parse, names what is not in the context, is no yes-or-no, holds a pattern that may explode. */
  compile(text: string): Outcome<CompiledRule>
}

const LIMITS = { maxAstNodes: 500, maxDepth: 32, maxListElements: 200, maxMapEntries: 50, maxCallArguments: 8 }
/** Text given to `matches` is cut here, so that three open-ended repetitions stay in the microseconds. */
const MAX_MATCHED = 200

const environment = new Environment({ limits: LIMITS })
  .registerVariable('risk', 'double', { description: '0 to 1' })
  .registerVariable({
    name: 'workload',
    schema: {
      id: 'string',
      name: 'string',
      kind: 'string',
      persona: 'string',
      assigned: 'bool',
      labels: 'map<string, string>',
      addresses: 'list<string>',
    },
  })
  .registerVariable({
    name: 'belief',
    schema: { persona: 'string', p: 'double', unknown: 'double', of: 'map<string, double>' },
  })
  .registerVariable('evidence', 'list<string>', { description: 'kinds of evidence that count now' })
  .registerVariable({ name: 'now', schema: { hour: 'int', minute: 'int', weekday: 'int' } })

const CURE =
  'use risk, belief.persona, belief.p, belief.unknown, belief.of["Name"], evidence, workload.{id,name,kind,persona,assigned,labels,addresses}, now.{hour,minute,weekday} (UTC)'

export function createRuleEngine(): RuleEngine {
  const compiled = new Map<string, Outcome<CompiledRule>>()
  return {
    compile(text) {
      let known = compiled.get(text)
      if (known === undefined) {
        known = compileRule(text)
        if (compiled.size > 5_000) compiled.clear()
        compiled.set(text, known)
      }
      return known
    },
  }
}

function compileRule(text: string): Outcome<CompiledRule> {
  const refuse = (why: string, cure: string) => ({ ok: false as const, code: 'rule-refused', why, cure })
  const checked = environment.check(text)
  if (!checked.valid) return refuse(`the expression does not hold together: ${firstLine(checked.error?.message)}`, CURE)
  if (checked.type !== 'bool')
    return refuse(`the expression is a ${checked.type}, not yes or no`, 'compare it, for example: risk >= 0.7')
  const parsed = environment.parse(text)
  for (const pattern of patternsIn(parsed.ast)) {
    if (pattern === null)
      return refuse('matches() takes a pattern written out, not a computed one', 'write the pattern as a string')
    const why = patternRefusal(pattern)
    if (why !== null)
      return refuse(`${why}: ${JSON.stringify(pattern)}`, 'use startsWith, endsWith, contains or a simpler pattern')
  }
  return {
    ok: true,
    value: {
      text,
      evaluate(context) {
        try {
          return { holds: parsed(engineValues(context)) === true, failed: null }
        } catch (error) {
          return { holds: false, failed: firstLine((error as Error).message) }
        }
      },
    },
  }
}

function engineValues(context: Context | SureContext): Record<string, unknown> {
  const { workload } = context
  return {
    ...context,
    workload: {
      ...workload,
      name: workload.name.slice(0, MAX_MATCHED),
      labels: { ...workload.labels },
      addresses: [...workload.addresses],
    },
    evidence: [...context.evidence],
    now: {
      hour: BigInt(context.now.hour),
      minute: BigInt(context.now.minute),
      weekday: BigInt(context.now.weekday),
    },
  }
}

/** Every pattern given to `matches`; null for one that is not a literal. */
function patternsIn(node: unknown): (string | null)[] {
  if (Array.isArray(node)) return node.flatMap(patternsIn)
  if (node === null || typeof node !== 'object' || !('op' in node)) return []
  const { op, args } = node as ASTNode & { op: string; args: unknown }
  const found = patternsIn(args)
  if ((op === 'rcall' || op === 'call') && Array.isArray(args) && args[0] === 'matches') {
    const given = (args.at(-1) as unknown[]).at(-1) as { op: string; args: unknown } | undefined
    found.push(given?.op === 'value' && typeof given.args === 'string' ? given.args : null)
  }
  return found
}

function firstLine(text: string | undefined): string {
  return (text ?? 'no reason given').split('\n')[0]!
}
