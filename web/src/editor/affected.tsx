/** Whom it touches: one sentence, a square per workload, then groups of workloads whose rules change alike. */
import { t } from 'i18next'
import { Link } from 'react-router'
import type { AffectedGroup, AffectedWorkload, ManifestPreview } from '../../../src/model/preview.ts'
import { count } from '../format.ts'
import { Swatch } from '../parts/marks.tsx'
import { paths } from '../paths.ts'
import { ChangeList } from './change-list.tsx'

type Given = { readonly affected: NonNullable<ManifestPreview['affected']> }

const MOST_SQUARES = 400
const MOST_GROUPS = 12
const MOST_NAMES = 24

export function Affected({ affected }: Given) {
  const { assumed, subjects, changed, fleet, looked, groups } = affected
  const named = groups.flatMap((group) => group.workloads)
  const losing = named.filter((one) => one.loses > 0).length
  return (
    <>
      <p>
        {subjects === 0
          ? t('preview.whoNobody')
          : changed === 0
            ? `${t('preview.whoSubjects', { count: subjects, n: count(subjects) })} ${t('preview.whoNone')}`
            : t('preview.who', { count: changed, n: count(changed), fleet: count(fleet) })}{' '}
        {losing === 0 ? null : <b>{t('preview.losing', { count: losing, n: count(losing) })}</b>}{' '}
        {looked < fleet ? t('preview.sampled', { n: count(looked) }) : null}
      </p>
      {assumed.length === 0 ? null : (
        <p className="sub">{t(`preview.assumed.${assumed.length > 1 ? 'both' : assumed[0]!}`)}</p>
      )}
      {changed === 0 ? null : <Squares affected={affected} losing={losing} />}
      {groups.slice(0, MOST_GROUPS).map((group, i) => (
        <Group key={`${group.persona} ${group.workloads[0]?.id ?? i}`} group={group} isOpen={i === 0} />
      ))}
    </>
  )
}

/** A square each up to 400 workloads, then one per 1 % of the fleet; never by colour alone: changed is filled, losing is ringed. */
function Squares({ affected, losing }: Given & { readonly losing: number }) {
  const { changed, looked } = affected
  const scale = looked <= MOST_SQUARES ? 1 : 100 / looked
  const of = (n: number) => (n === 0 ? 0 : Math.max(1, Math.round(n * scale)))
  const [loses, rest, quiet] = [of(losing), of(changed - losing), of(looked - changed)]
  const kinds = [
    ...Array.from({ length: loses }, () => 'loses'),
    ...Array.from({ length: rest }, () => 'changed'),
    ...Array.from({ length: quiet }, () => 'quiet'),
  ]
  return (
    <>
      <div
        className="squares"
        role="img"
        aria-label={t('preview.squares', {
          changed: count(changed),
          losing: count(losing),
          quiet: count(looked - changed),
        })}
      >
        {kinds.map((kind, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: squares have no identity
          <i key={i} className={kind} />
        ))}
      </div>
      <p className="legend" aria-hidden="true">
        {(['loses', 'changed', 'quiet'] as const).map((kind) => (
          <span key={kind}>
            <span className="squares">
              <i className={kind} />
            </span>
            {t(`preview.legend.${kind}`)}
          </span>
        ))}
      </p>
    </>
  )
}

function Group({ group, isOpen }: { readonly group: AffectedGroup; readonly isOpen: boolean }) {
  const { persona, total, workloads, changes } = group
  const counted = [...new Set(workloads.map((one) => one.mode).filter((mode) => mode !== 'enforce'))]
  return (
    <details className="affected" open={isOpen}>
      <summary>
        <Swatch name={persona} /> {t('preview.group', { count: total, n: count(total), persona })}
      </summary>
      <p className="names sub">
        {workloads.slice(0, MOST_NAMES).map((one, i) => (
          <span key={one.id}>
            {i === 0 ? '' : ', '}
            <Name one={one} />
          </span>
        ))}
        {total > MOST_NAMES
          ? ` ${t('preview.moreNames', { n: count(total - Math.min(MOST_NAMES, workloads.length)) })}`
          : ''}
        {counted.map((mode) => ` · ${t('preview.counted', { mode })}`)}
      </p>
      <ChangeList changes={changes} />
    </details>
  )
}

function Name({ one }: { readonly one: AffectedWorkload }) {
  return (
    <Link className="link quiet-link" to={paths.workload(one.id)}>
      {one.name}
      {one.loses > 0 ? ` (−${one.loses})` : one.gains > 0 ? ` (+${one.gains})` : ''}
    </Link>
  )
}
