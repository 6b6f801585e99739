/** Lines with their signs; long runs of what stays are folded. Scrolls sideways in its own box, by keyboard too. */
import { t } from 'i18next'
import { Fragment, useState } from 'react'
import type { DiffLine } from './line-diff.ts'

const AROUND = 3
const CLASS = { ' ': '', '−': ' removed', '+': ' added' } as const

export function TextDiff({ lines, label }: { readonly lines: readonly DiffLine[]; readonly label: string }) {
  const [isWhole, setWhole] = useState(false)
  const near = (i: number) => {
    for (let k = Math.max(0, i - AROUND); k <= Math.min(lines.length - 1, i + AROUND); k++)
      if (lines[k]!.sign !== ' ') return true
    return false
  }
  const shown = lines.map((line, i) => ({ line, i })).filter(({ i }) => isWhole || near(i))
  return (
    <>
      {/* biome-ignore-start lint/a11y/noNoninteractiveTabindex: it scrolls sideways */}
      {/* biome-ignore-start lint/a11y/useSemanticElements: lines to read, not fields to fill in */}
      <div className="diff" role="group" aria-label={label} tabIndex={0}>
        {/* biome-ignore-end lint/a11y/noNoninteractiveTabindex: only the box */}
        {/* biome-ignore-end lint/a11y/useSemanticElements: only the box */}
        {shown.map(({ line, i }, at) => (
          <Fragment key={i}>
            {at > 0 && shown[at - 1]!.i !== i - 1 ? <span className="diff-line qq">⋯</span> : null}
            <span className={`diff-line${CLASS[line.sign]}`}>
              <span aria-hidden="true">{line.sign} </span>
              {line.sign === ' ' ? null : (
                <span className="vh">{t(line.sign === '+' ? 'preview.added' : 'preview.removed')}: </span>
              )}
              {line.text}
            </span>
          </Fragment>
        ))}
        {shown.length === 0 ? <span className="diff-line qq">{t('preview.same')}</span> : null}
      </div>
      {isWhole || shown.length === lines.length ? null : (
        <button type="button" className="link" onClick={() => setWhole(true)}>
          {t('preview.keptLines', { count: lines.length - shown.length })}
        </button>
      )}
    </>
  )
}
