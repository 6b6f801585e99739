/** The right half: what is wrong, whom it touches, what the last day would have been, tests, rules of one workload, the plan. */
import { t } from 'i18next'
import { Link } from 'react-router'
import type { ManifestPreview, PreviewFault, PreviewTest, ReplayedConversation } from '../../../src/model/preview.ts'
import { count } from '../format.ts'
import { VerdictMark } from '../parts/marks.tsx'
import { Block } from '../parts/peek.tsx'
import { paths, query } from '../paths.ts'
import { sentence, shortReason } from '../sentence.ts'
import { Affected } from './affected.tsx'
import { CompiledRules } from './compiled-rules.tsx'

type Props = {
  readonly preview: ManifestPreview
  /** False while the answer is of a text before this one. */
  readonly isCurrent: boolean
  readonly workload: string | null
  readonly onWorkload: (id: string) => void
  readonly goTo: (line: number, column: number) => void
}

export function PreviewPanel({ preview, isCurrent, workload, onWorkload, goTo }: Props) {
  const { ok, faults, warnings, affected, replay, tests, broken, compiled, plan } = preview
  return (
    <>
      <p className="vh" role="status">
        {isCurrent ? spoken(preview) : ''}
      </p>
      {faults.length === 0 ? null : (
        <Block title={t('preview.wrong', { count: faults.length })}>
          <Faults faults={faults} goTo={goTo} />
          <p className="sub">{t('preview.none')}</p>
        </Block>
      )}
      {warnings.length === 0 ? null : (
        <Block title={t('preview.warned', { count: warnings.length })}>
          <Faults faults={warnings} goTo={goTo} />
        </Block>
      )}
      {ok && affected !== null ? (
        <>
          <Block title={t('preview.who')}>
            <Affected affected={affected} />
          </Block>
          {affected.changed === 0 || replay === null ? null : (
            <Block title={t('preview.replay')}>
              <ReplayList replay={replay} />
            </Block>
          )}
        </>
      ) : null}
      {ok && preview.manifests[0]?.kind === 'Policy' ? (
        <Block title={t('preview.tests')}>
          <Tests tests={tests} goTo={goTo} />
        </Block>
      ) : null}
      {broken.length === 0 ? null : (
        <Block title={t('preview.broken')}>
          <TestList tests={broken} goTo={goTo} />
        </Block>
      )}
      {affected === null ? null : (
        <Block title={t('preview.rules')}>
          <CompiledRules compiled={compiled} affected={affected} workload={workload} onWorkload={onWorkload} />
        </Block>
      )}
      {ok && affected !== null ? (
        <Block title={t('preview.plan')}>
          <PlanWords plan={plan} />
        </Block>
      ) : null}
    </>
  )
}

/** One sentence for a screen reader, when the answer is of the text that stands there. */
function spoken({ faults, affected }: ManifestPreview): string {
  if (faults.length > 0) return t('preview.wrong', { count: faults.length })
  if (affected === null) return ''
  const { changed, fleet } = affected
  const who =
    changed === 0 ? t('preview.whoNone') : t('preview.who', { count: changed, n: count(changed), fleet: count(fleet) })
  return t('preview.status', { affected: who })
}

type GoTo = Props['goTo']

function Faults({ faults, goTo }: { readonly faults: readonly PreviewFault[]; readonly goTo: GoTo }) {
  return (
    <ul className="fault-list">
      {faults.slice(0, 20).map((fault) => (
        <li key={`${fault.line}:${fault.column} ${fault.why}`}>
          <Place line={fault.line} column={fault.column} goTo={goTo} />
          <span>
            {sentence(fault.why)} <span className="sub">{sentence(fault.cure)}</span>
          </span>
        </li>
      ))}
    </ul>
  )
}

function Place({ line, column, goTo }: { line: number | null; column: number | null; goTo: GoTo }) {
  if (line === null) return <span />
  return (
    <button type="button" className="link n" onClick={() => goTo(line, column ?? 1)}>
      {t('preview.place', { line })}
    </button>
  )
}

function ReplayList({ replay }: { readonly replay: NonNullable<ManifestPreview['replay']> }) {
  const { replayed, same, dropped, allowed, whole, changed } = replay
  if (replayed === 0) return <p className="q">{t('preview.replayNone')}</p>
  return (
    <>
      <p>
        {t('preview.replayed', { count: replayed, n: count(replayed), same: count(same) })}{' '}
        {dropped === 0 ? null : <b>{t('preview.dropped', { count: dropped, n: count(dropped) })} </b>}
        {allowed === 0 ? null : t('preview.allowed', { count: allowed, n: count(allowed) })}{' '}
        {whole ? null : t('preview.part')}
      </p>
      {changed.length === 0 ? null : (
        <details className="replays" open>
          <summary className="q">{t('preview.look')}</summary>
          <ul className="replay-list">
            {changed.slice(0, 12).map((one) => (
              <Conversation key={`${one.workload} ${flowKey(one)}`} one={one} />
            ))}
          </ul>
        </details>
      )}
    </>
  )
}

const PROTOCOLS: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmpv6' }
function flowKey(one: ReplayedConversation): string {
  return `flow:${one.peer}:${one.port}:${one.proto}:${one.direction}`
}

/** The row is the flow: its link opens the conversation with its own why. */
function Conversation({ one }: { readonly one: ReplayedConversation }) {
  const peer = one.peerName ?? one.peer
  const [from, to] = one.direction === 'initiated' ? [one.name, peer] : [peer, one.name]
  const service = `${one.port === 0 ? '' : `${one.port} `}${PROTOCOLS[one.proto] ?? `ip ${one.proto}`}`
  return (
    <li>
      <Link className="link who" to={`${paths.conversations(one.workload)}${query({ why: flowKey(one) })}`}>
        {from} → {to}, {service}
      </Link>
      <VerdictMark verdict={one.after === 'deny' ? 'would-deny' : 'allow'} word={t(`preview.verdict.${one.after}`)} />
      <span className="sub">
        {t('preview.flows', { count: one.flows, n: count(one.flows) })} · {shortReason(one.why.text)}
      </span>
    </li>
  )
}

function Tests({ tests, goTo }: { readonly tests: readonly PreviewTest[]; readonly goTo: GoTo }) {
  if (tests.length === 0) return <p className="q">{t('preview.testsNone')}</p>
  const failed = tests.filter((one) => !one.passed).length
  return (
    <>
      <p>
        {failed === 0
          ? t('preview.testsPass', { count: tests.length })
          : t('preview.testsFail', { failed, all: tests.length })}
      </p>
      <TestList tests={[...tests].sort((a, b) => Number(a.passed) - Number(b.passed))} goTo={goTo} />
    </>
  )
}

function TestList({ tests, goTo }: { readonly tests: readonly PreviewTest[]; readonly goTo: GoTo }) {
  return (
    <ul className="test-list">
      {tests.slice(0, 30).map((one) => {
        const { test, passed, verdict, why } = one
        const service = `${test.port === undefined ? '' : `${test.port} `}${test.protocol}`
        return (
          <li key={`${one.policy} ${one.index}`}>
            <span className={`sign ${passed ? 'passed' : 'failed'}`}>
              <span aria-hidden="true">{passed ? '✓' : '✕'}</span>
            </span>
            <span>
              {t('preview.test', { from: test.from, to: test.to, service, expect: t(`preview.expect.${test.expect}`) })}
              {passed ? null : (
                <b>
                  {' · '}
                  {verdict === null
                    ? t('preview.notJudged')
                    : t('preview.got', { verdict: t(`preview.expect.${verdict}`) })}
                </b>
              )}{' '}
              <Place line={one.line} column={one.column} goTo={goTo} />
              <span className="sub">{sentence(why.text)}</span>
            </span>
          </li>
        )
      })}
    </ul>
  )
}

function PlanWords({ plan }: { readonly plan: ManifestPreview['plan'] }) {
  if (plan === null) return <p className="q">{t('preview.planNone')}</p>
  const { conversationsCut } = plan.blastRadius
  return (
    <p>
      {t(`preview.planIs.${plan.direction}`)} {t('preview.planSteps', { count: plan.steps, n: count(plan.steps) })}{' '}
      {conversationsCut === 0 ? '' : t('preview.cuts', { count: conversationsCut, n: count(conversationsCut) })}{' '}
      {t(`preview.approval.${plan.approval}`)} {plan.isExact ? null : t('preview.estimated')}
    </p>
  )
}
