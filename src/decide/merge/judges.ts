/** What the answers of several personas about one flow come to, and in which words. */
import type { ResolvedRule } from '../../model/desired.ts'

export type Verdict = ResolvedRule['verdict']
export type Voice = { readonly name: string; readonly p: number; readonly verdict: Verdict }

export type Judge = {
  /** True when the voices that are not heard yet change nothing. */
  isSettled(said: readonly Verdict[]): boolean
  /** Deny or allow, in whose words (an index), and why when no rule alone says it. */
  decide(voices: readonly Voice[]): {
    readonly allows: boolean
    readonly by: number
    readonly text: string | null
    readonly p: number
  }
}

export const allows = (verdict: Verdict) => verdict === 'allow'

/** Allowed is what every one allows; in the words of the first that denies. */
export function strictestOf(): Judge {
  return {
    isSettled: (said) => said.some((verdict) => !allows(verdict)),
    decide(voices) {
      const by = voices.findIndex(({ verdict }) => !allows(verdict))
      return by < 0
        ? { allows: true, by: 0, text: null, p: voices[0]!.p }
        : { allows: false, by, text: null, p: voices[by]!.p }
    },
  }
}

/** A flow that a persona does not allow is a breach if it gets through and that persona is the true one; else the other way round. */
export function byCost({ breach, outage }: { readonly breach: number; readonly outage: number }): Judge {
  return {
    isSettled: () => false,
    decide(voices) {
      const sum = (wanted: boolean) => voices.reduce((p, one) => (allows(one.verdict) === wanted ? p + one.p : p), 0)
      const [good, bad] = [sum(true), sum(false)]
      const denies = bad * breach > good * outage
      const heaviest = voices.reduce(
        (best, one, i) => (allows(one.verdict) === !denies && (best < 0 || one.p > voices[best]!.p) ? i : best),
        -1,
      )
      const text = `p(bad) ${bad.toFixed(2)} × breach ${breach} ${denies ? '>' : '≤'} p(good) ${good.toFixed(2)} × outage ${outage}`
      const isPlain = good === 0 || bad === 0
      return { allows: !denies, by: Math.max(0, heaviest), text: isPlain ? null : text, p: denies ? bad : good }
    },
  }
}
