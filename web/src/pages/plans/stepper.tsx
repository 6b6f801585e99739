/** The way of a plan, drawn: five steps with who and when; an end that is no confirmation stands last, in words. */
import { t } from 'i18next'
import type { ShiftState } from '../../nouns.ts'
import { isEnd, type StepView, stepAt } from './progress.ts'

export function Stepper({ steps }: { readonly steps: readonly StepView[] }) {
  const current = steps.find((step) => step.is === 'current') ?? steps.at(-1)
  return (
    <ol
      className="stepper"
      aria-label={t('planPage.steps')}
      style={{ gridTemplateColumns: `repeat(${steps.length}, auto)` }}
    >
      {steps.map((step, i) => (
        <li
          key={step.name}
          className={`${step.is} ${step === current ? 'shown' : ''}`}
          aria-current={step === current ? 'step' : undefined}
        >
          <i aria-hidden="true">{step.is === 'done' ? <Check /> : step.is === 'ended' ? <Cross /> : null}</i>
          <div>
            <span className="narrow qq">{t('planPage.stepOf', { at: i + 1, all: steps.length })} </span>
            <b>{t(`planPage.step.${step.name}`)}</b>
            <span className="sub n">{step.detail}</span>
          </div>
        </li>
      ))}
    </ol>
  )
}

/** The same in a row of a table: five marks, then the word. */
export function StepMark({ state }: { readonly state: ShiftState }) {
  const at = stepAt(state)
  const ended = isEnd(state)
  return (
    <span className="step-mark">
      <span className="dots" role="img" aria-label={ended ? '' : t('plans.progress', { at })} aria-hidden={ended}>
        {[1, 2, 3, 4, 5].map((n) => (
          <i
            key={n}
            className={ended ? 'over' : n < at || state === 'confirmed' ? 'done' : n === at ? 'current' : ''}
          />
        ))}
      </span>
      <span className={ended ? 'q' : 'name'}>{t(`shift.${state}`)}</span>
    </span>
  )
}

const Check = () => <Glyph path="M2 5.5l2 2L8 3" />
const Cross = () => <Glyph path="M3 3l4 4M7 3L3 7" />

function Glyph({ path }: { readonly path: string }) {
  return (
    <svg
      width="10"
      height="10"
      viewBox="0 0 10 10"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={path} />
    </svg>
  )
}
