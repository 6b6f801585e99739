/** The model in force: what it was worth where it was not learnt, which others are kept, and which was in force when. */
import { useQuery } from '@tanstack/react-query'
import { t } from 'i18next'
import { lazy, Suspense, useState } from 'react'
import { Link } from 'react-router'
import type { ModelList, ModelRecord } from '../../../../src/model/model-record.ts'
import { get } from '../../api/client.ts'
import { count, probability } from '../../format.ts'
import { useAddress } from '../../parts/address.ts'
import { Button, HinderedButton } from '../../parts/button.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Ago } from '../../parts/marks.tsx'
import { Facts } from '../../parts/peek.tsx'
import { APPROVERS, useHindrance } from '../../parts/rights.ts'
import { Empty } from '../../parts/states.tsx'
import { paths, query } from '../../paths.ts'
import { personName } from '../../person.ts'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import { Calibration } from './calibration.tsx'
import { Confusion } from './confusion.tsx'
import { History } from './history.tsx'
import './models.css'
import { words } from './words.ts'

addWords(words)

export const modelsKey = ['models'] as const
const ModelDialog = lazy(() => import('./model-dialog.tsx'))

/** Shares of windows: one decimal, as the command line says them. */
export const percent = (share: number) => `${(100 * share).toFixed(1)} %`

export default function Models() {
  const models = useQuery({
    queryKey: modelsKey,
    queryFn: ({ signal }) => get<ModelList>('/v1/models', signal),
    refetchInterval: 30_000,
  })
  const { data } = models
  const inForce = data?.items.find(({ id }) => id === data.inForce)
  return (
    <>
      <PageHead
        title={t('models.title')}
        heading={
          data === undefined
            ? t('models.title')
            : inForce === undefined
              ? t('models.none')
              : t('models.heading', { name: inForce.name })
        }
        lead={t('models.lead')}
        crumbs={[{ name: t('nav.personas'), to: paths.personas() }, { name: t('models.title') }]}
        actions={data === undefined ? undefined : <RollBack list={data} />}
      />
      <Loaded query={models} what={t('models.what')}>
        {(list) =>
          list.items.length === 0 ? (
            <div className="surface">
              <Empty title={t('models.none')}>
                <p>{t('models.noneWhy')}</p>
              </Empty>
            </div>
          ) : (
            <Known list={list} />
          )
        }
      </Loaded>
    </>
  )
}

function RollBack({ list }: { readonly list: ModelList }) {
  const hindrance = useHindrance(APPROVERS)
  const [isOpen, setOpen] = useState(false)
  const [newest] = list.history
  const before = list.history.find(({ n }) => n === newest?.back)
  const to = list.items.find(({ id }) => id === before?.model)
  return (
    <>
      <HinderedButton
        variant="default"
        hindrance={to === undefined ? t('models.rollbackNone') : hindrance}
        onClick={() => setOpen(true)}
      >
        {t('models.rollback')}
      </HinderedButton>
      {isOpen && to !== undefined ? (
        <Suspense>
          <ModelDialog act="rollback" model={to} hindrance={hindrance} onClose={() => setOpen(false)} />
        </Suspense>
      ) : null}
    </>
  )
}

function Known({ list }: { readonly list: ModelList }) {
  const address = useAddress()
  const chosen = list.items.find(({ id }) => id === (address.get('show') || list.inForce)) ?? list.items[0]!
  const waiting = list.items.find(({ id }) => id === list.waiting)
  return (
    <>
      {waiting === undefined ? null : (
        <p className="old-note" role="status">
          {t('models.waiting', { name: waiting.name })}
        </p>
      )}
      <section className="surface model-about" aria-labelledby="model-about">
        <div className="panel-head">
          <h2 id="model-about">{t('models.about', { name: chosen.name })}</h2>
          <span className="qq right">{t(chosen.id === list.inForce ? 'models.inForce' : 'models.notInForce')}</span>
        </div>
        <About model={chosen} />
      </section>
      {chosen.provenance.metrics === null ? null : (
        <div className="model-plots">
          <Confusion personas={chosen.personas} metrics={chosen.provenance.metrics} />
          <Calibration metrics={chosen.provenance.metrics} />
        </div>
      )}
      <Kept list={list} chosen={chosen} />
      <History list={list} />
    </>
  )
}

function About({ model }: { readonly model: ModelRecord }) {
  const { metrics, dataset, seed, fitting, calibrating, measuring } = model.provenance
  return (
    <div className="model-facts">
      {metrics === null ? (
        <Empty title={t('models.unmeasured')}>
          <p>{t('models.unmeasuredWhy')}</p>
        </Empty>
      ) : (
        <Facts
          rows={{
            [t('models.accuracy')]: t('models.accuracyIs', {
              share: percent(metrics.accuracy),
              windows: count(metrics.windows),
              hosts: count(metrics.hosts),
            }),
            [t('models.macroF1')]: probability(metrics.macroF1),
            [t('models.ece')]: probability(metrics.ece),
            [t('models.silent')]: percent(metrics.abstained),
          }}
        />
      )}
      <Facts
        rows={{
          [t('models.data')]:
            dataset === null ? t('models.dataUnknown') : <span className="mono">{dataset.slice(0, 16)}</span>,
          [t('models.features')]: `${model.features}, ${t('models.seed').toLowerCase()} ${seed ?? '–'}`,
          [t('models.runs')]:
            fitting.length === 0
              ? null
              : t('models.runsAre', {
                  fitting: fitting.length,
                  calibrating: calibrating.length,
                  measuring: measuring.length,
                }),
          [t('models.added')]: (
            <>
              <Ago at={model.addedAt} />, {t('models.by', { name: personName(model.addedBy) })}{' '}
              <span className="mono qq">{model.id}</span>
            </>
          ),
        }}
      />
    </div>
  )
}

function Kept({ list, chosen }: { readonly list: ModelList; readonly chosen: ModelRecord }) {
  const hindrance = useHindrance(APPROVERS)
  const [asked, setAsked] = useState<ModelRecord | null>(null)
  return (
    <section className="surface model-kept" aria-labelledby="model-kept">
      <div className="panel-head">
        <h2 id="model-kept">{t('models.kept')}</h2>
        <span className="q n">{count(list.items.length)}</span>
      </div>
      <ul>
        {list.items.map((one) => {
          const { metrics } = one.provenance
          const isInForce = one.id === list.inForce
          return (
            <li key={one.id}>
              <span>
                {one.id === chosen.id ? (
                  <b className="name">{one.name}</b>
                ) : (
                  <Link className="link" to={`${paths.models()}${query({ show: isInForce ? '' : one.id })}`}>
                    {one.name}
                  </Link>
                )}
                <span className="sub">
                  {t(`models.kind.${one.kind}`)} · {one.features} · {t('models.keptFor')} <Ago at={one.addedAt} />,{' '}
                  {t('models.by', { name: personName(one.addedBy) })}
                </span>
              </span>
              <span className="n q">
                {metrics === null
                  ? t('models.unmeasured')
                  : `${percent(metrics.accuracy)}, ${t('models.ece').toLowerCase()} ${probability(metrics.ece)}`}
              </span>
              {isInForce ? (
                <span className="qq">{t('models.inForce')}</span>
              ) : (
                <Button size="xs" variant="default" onClick={() => setAsked(one)}>
                  {t('models.compare')}
                </Button>
              )}
            </li>
          )
        })}
      </ul>
      {asked === null ? null : (
        <Suspense>
          <ModelDialog act="promote" model={asked} hindrance={hindrance} onClose={() => setAsked(null)} />
        </Suspense>
      )}
    </section>
  )
}
