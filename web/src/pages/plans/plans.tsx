/** Plans: what waits for a person first, then what is under way, in force, over; a timer that runs on a host counts in its row. */
import { t } from 'i18next'
import { lazy, Suspense, useMemo } from 'react'
import { count, countdown, countWord } from '../../format.ts'
import type { Grammar } from '../../grammar.ts'
import type { PlanSummary, ShiftState } from '../../nouns.ts'
import { useAddress } from '../../parts/address.ts'
import type { Column } from '../../parts/columns.ts'
import { Listing } from '../../parts/listing.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Ago } from '../../parts/marks.tsx'
import { useNow } from '../../parts/now.ts'
import { Preview } from '../../parts/preview.tsx'
import { Segments } from '../../parts/segments.tsx'
import { CopyCommand, Empty } from '../../parts/states.tsx'
import { paths } from '../../paths.ts'
import { personName } from '../../person.ts'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import './plan.css'
import { isEnd } from './progress.ts'
import { MOST_PLANS, useAllPlans } from './queries.ts'
import { StepMark } from './stepper.tsx'
import { words } from './words.ts'

addWords(words)

const Halted = lazy(() => import('./halted.tsx'))

type PlanRow = PlanSummary & { readonly id: string }

const UNDER_WAY: readonly ShiftState[] = ['proposed', 'shadowed', 'approved', 'applying', 'confirming']
const isOpen = ({ state }: PlanSummary) => UNDER_WAY.includes(state)
/** Somebody must say something: an approval, or the confirm of what needed one. */
function waits({ plan, state }: PlanSummary): boolean {
  if (state === 'confirming') return true
  return (state === 'proposed' || state === 'shadowed') && plan.approval !== 'auto'
}

const SHOWS = {
  all: () => true,
  waiting: waits,
  open: isOpen,
  confirmed: ({ state }: PlanSummary) => state === 'confirmed',
  over: ({ state }: PlanSummary) => isEnd(state),
} as const satisfies Record<string, (plan: PlanSummary) => boolean>
type Show = keyof typeof SHOWS

const GRAMMAR: Grammar<PlanRow> = {
  words: (row) => [row.title, row.id, personName(row.plan.proposedBy), String(row.plan.generation.n)],
  fields: {
    state: (row) => [row.state],
    by: (row) => [personName(row.plan.proposedBy)],
    approved: (row) => row.approvedBy.map(personName),
    kind: (row) => [row.plan.direction],
  },
  numbers: {
    generation: (row) => row.plan.generation.n,
    changes: (row) => row.plan.blastRadius.workloads,
    cuts: (row) => row.plan.blastRadius.conversationsCut,
  },
  flags: { waits, open: isOpen },
}

const COLUMNS: readonly Column<PlanRow>[] = [
  {
    name: 'plan',
    title: t('plans.column.plan'),
    value: (row) => row.title,
    cell: (row) => (
      <>
        <b className="name cut">{row.title}</b>
        <span className="sub n">{t('plans.generation', { n: row.plan.generation.n })}</span>
      </>
    ),
  },
  {
    name: 'state',
    title: t('plans.column.state'),
    width: 178,
    value: (row) => row.state,
    cell: (row) => <StepMark state={row.state} />,
  },
  {
    name: 'left',
    title: t('plans.column.left'),
    width: 72,
    num: true,
    value: (row) => row.deadline,
    cell: (row) => <Left row={row} />,
  },
  {
    name: 'changes',
    title: t('plans.column.changes'),
    width: 148,
    value: (row) => row.plan.blastRadius.workloads,
    cell: (row) => <span className="n">{workloadsOf(row)}</span>,
  },
  {
    name: 'cuts',
    title: t('plans.column.cuts'),
    width: 64,
    num: true,
    value: (row) => row.plan.blastRadius.conversationsCut,
    cell: (row) =>
      row.plan.blastRadius.conversationsCut === 0 ? (
        <span className="qq">0</span>
      ) : (
        count(row.plan.blastRadius.conversationsCut)
      ),
  },
  {
    name: 'approval',
    title: t('plans.column.approval'),
    width: 132,
    value: (row) => `${row.plan.approval} ${row.approvedBy.length}`,
    cell: (row) => (
      <span className="q n">{t(`plans.approvals.${row.plan.approval}`, { given: row.approvedBy.length })}</span>
    ),
  },
  {
    name: 'by',
    title: t('plans.column.by'),
    width: 120,
    value: (row) => personName(row.plan.proposedBy),
    cell: (row) => <span className="q cut">{personName(row.plan.proposedBy)}</span>,
  },
  {
    name: 'moved',
    title: t('plans.column.changed'),
    width: 84,
    num: true,
    value: (row) => row.updatedAt,
    cell: (row) => <Ago at={row.updatedAt} />,
  },
]

export default function Plans() {
  const query = useAllPlans()
  const plans = query.data
  const waiting = plans?.filter(waits).length ?? 0
  const inForce = plans?.find((one) => one.state === 'confirmed')
  return (
    <>
      <PageHead
        title={t('nav.plans')}
        heading={
          plans === undefined ? t('nav.plans') : t('plans.heading', { count: waiting, word: countWord(waiting) })
        }
        lead={
          plans === undefined
            ? undefined
            : inForce === undefined
              ? t('plans.none')
              : t('plans.inForce', { n: inForce.plan.generation.n })
        }
        crumbs={[{ name: t('nav.plans') }]}
      />
      <Suspense>
        <Halted />
      </Suspense>
      <Loaded query={query} what={t('plans.part')}>
        {(rows) => <PlanList plans={rows} />}
      </Loaded>
    </>
  )
}

function PlanList({ plans }: { readonly plans: readonly PlanSummary[] }) {
  const address = useAddress()
  const asked = address.get('show')
  const show: Show = Object.hasOwn(SHOWS, asked) ? (asked as Show) : 'all'
  const rows = useMemo(() => {
    const shown = plans.filter(SHOWS[show]).map((one): PlanRow => ({ ...one, id: one.plan.id }))
    const rank = (row: PlanRow) => (waits(row) ? 0 : isOpen(row) ? 1 : 2)
    return shown.sort((a, b) => rank(a) - rank(b) || b.plan.generation.n - a.plan.generation.n)
  }, [plans, show])
  const toggles = (
    <Segments
      label={t('plans.show')}
      of={Object.keys(SHOWS) as Show[]}
      chosen={show}
      word={(one) => t(`plans.shows.${one}`)}
      onChoose={(one) => address.set({ show: one === 'all' ? '' : one })}
    />
  )
  if (rows.length === 0 && show !== 'all') {
    return (
      <section className="listing" aria-label={t('nav.plans')}>
        <div className="section-head">{toggles}</div>
        <div className="surface">
          <Empty title={t(`plans.nothing.${show}`)}>
            <p>
              <button type="button" className="link" onClick={() => address.set({ show: '' })}>
                {t('plans.showAll')}
              </button>
            </p>
          </Empty>
        </div>
      </section>
    )
  }
  return (
    <>
      <Listing
        key={show}
        name="plans"
        title={t('nav.plans')}
        toggles={toggles}
        rows={rows}
        columns={COLUMNS}
        sort="waiting"
        grammar={GRAMMAR}
        placeholder={t('plans.placeholder')}
        nearest={(row) => row.title}
        minWidth={900}
        tint={(row) => row.state}
        lines={(row) => <TwoLines row={row} />}
        opens={{ kind: 'page', to: (row) => paths.plan(row.id) }}
        firstRun={
          <Empty title={t('plans.firstRun')}>
            <p>{t('plans.firstRunHow')}</p>
            <CopyCommand command='bin/guise shift WORKLOAD "Database"' />
            <Preview />
          </Empty>
        }
      />
      {plans.length >= MOST_PLANS ? <p className="qq">{t('plans.cut', { n: count(MOST_PLANS) })}</p> : null}
    </>
  )
}

function workloadsOf({ plan: { blastRadius } }: PlanRow): string {
  return t('plans.workloads', { count: blastRadius.workloads, n: count(blastRadius.workloads) })
}

function TwoLines({ row }: { readonly row: PlanRow }) {
  return (
    <>
      <span className="l1">
        <b className="name cut">{row.title}</b>
        <Left row={row} />
      </span>
      <span className="l2">
        <StepMark state={row.state} />
        <span className="n">{workloadsOf(row)}</span>
      </span>
    </>
  )
}

/** The host's countdown, by the server's clock. */
function Left({ row }: { readonly row: PlanRow }) {
  const now = useNow()
  if (row.deadline === null) return null
  const left = countdown(row.deadline, now)
  return (
    <b className={row.deadline - now < 15_000 ? 'n last-seconds' : 'n'} title={t('plans.undone', { left })}>
      {left}
    </b>
  )
}
