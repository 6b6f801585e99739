/** Rules by meaning, each with its sign and where it comes from; runs of unchanged ones are folded. */
import { t } from 'i18next'
import { useState } from 'react'
import type { RuleChange } from '../../../src/model/preview.ts'
import { VerdictMark } from '../parts/marks.tsx'
import { sentence } from '../sentence.ts'
import { ruleWords } from './rule-words.ts'

const MOST = 30
const SIGN = { added: '+', removed: '−', same: '' } as const

export function ChangeList({ changes }: { readonly changes: readonly RuleChange[] }) {
  const [isWhole, setWhole] = useState(false)
  const changed = changes.filter((one) => one.change !== 'same')
  const kept = changes.length - changed.length
  const listed = isWhole ? changes : changed.slice(0, MOST)
  const hidden = isWhole ? 0 : changed.length - listed.length + kept
  return (
    <>
      <ul className="change-list">
        {listed.map((one, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the order is what a rule is known by
          <li key={i} className={one.change}>
            <span className="sign">
              <span aria-hidden="true">{SIGN[one.change]}</span>
              <span className="vh">{t(`preview.${one.change}`)}: </span>
            </span>
            <span className="qq">{t(`rule.${one.direction}`)}</span>
            <span className="text">
              <VerdictMark verdict={one.verdict} word={t(`verdict.${one.verdict}`)} /> {ruleWords(one)}
              <span className="sub">{sentence(one.why.text)}</span>
            </span>
          </li>
        ))}
      </ul>
      {hidden > 0 ? (
        <button type="button" className="link" onClick={() => setWhole(true)}>
          {changed.length > MOST ? t('preview.moreRules', { count: hidden }) : t('preview.kept', { count: hidden })}
        </button>
      ) : null}
    </>
  )
}
