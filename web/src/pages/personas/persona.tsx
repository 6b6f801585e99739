/** One persona: in words, as text with what a change would do, and its versions. */
import { useQueryClient } from '@tanstack/react-query'
import { t } from 'i18next'
import { lazy, Suspense, useMemo, useState } from 'react'
import { useNavigate, useParams } from 'react-router'
import { remove } from '../../api/client.ts'
import { useWorkloads } from '../../api/queries.ts'
import { shelfKey, useManifest } from '../../editor/questions.ts'
import { NEW, PERSONA } from '../../editor/template.ts'
import { toYaml } from '../../editor/to-yaml.ts'
import { ForecastPanel } from '../../forecast/panel.tsx'
import { count } from '../../format.ts'
import type { ManifestRecord } from '../../nouns.ts'
import { useAddress } from '../../parts/address.ts'
import { Button, LinkButton } from '../../parts/button.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { useHindrance } from '../../parts/rights.ts'
import { SkeletonRows } from '../../parts/states.tsx'
import { Tabs } from '../../parts/tabs.tsx'
import { say } from '../../parts/toast.tsx'
import { paths, query } from '../../paths.ts'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import { About } from './about.tsx'
import './personas.css'
import { personaRows } from './wearers.ts'
import { words } from './words.ts'

addWords(words)

const ConfirmDialog = lazy(() => import('../../parts/confirm-dialog.tsx'))
/** Who only reads needs neither. */
const ManifestEditor = lazy(async () => ({
  default: (await import('../../editor/manifest-editor.tsx')).ManifestEditor,
}))
const Versions = lazy(async () => ({ default: (await import('../../editor/versions.tsx')).Versions }))
const TABS = ['about', 'edit', 'versions'] as const

export default function Persona() {
  const { id = '' } = useParams()
  return id === NEW ? <NewPersona /> : <KnownPersona key={id} id={id} />
}

function NewPersona() {
  const from = useAddress().get('from')
  const navigate = useNavigate()
  const source = useManifest('personas', from === '' ? null : from)
  const name = source.data?.manifest.metadata.name
  const editor = (start: string) => (
    <Suspense fallback={<SkeletonRows rows={8} />}>
      <ManifestEditor
        shelf="personas"
        record={null}
        start={start}
        onSaved={(kept) => void navigate(paths.persona(kept.id))}
      />
    </Suspense>
  )
  return (
    <>
      <PageHead
        title={t('personas.make')}
        heading={name === undefined ? t('personas.is.new') : t('personas.is.copy', { name })}
        lead={t('personas.newLead')}
        crumbs={[{ name: t('nav.personas'), to: paths.personas() }, { name: t('personas.make') }]}
      />
      {from === '' ? (
        editor(PERSONA)
      ) : (
        <Loaded query={source} what={t('personas.one')}>
          {(record) => editor(copyOf(record))}
        </Loaded>
      )}
    </>
  )
}

function copyOf({ manifest }: ManifestRecord): string {
  const metadata = { ...manifest.metadata, name: `${manifest.metadata.name.slice(0, 58)} Copy` }
  return toYaml({ ...manifest, metadata })
}

function KnownPersona({ id }: { readonly id: string }) {
  const persona = useManifest('personas', id)
  const workloads = useWorkloads().data
  const address = useAddress()
  const navigate = useNavigate()
  const hindrance = useHindrance(['operator', 'admin'])
  const [isDeleting, setDeleting] = useState(false)
  const tab = TABS.find((one) => one === address.get('tab')) ?? 'about'
  const record = persona.data
  const [row] = useMemo(() => personaRows(record === undefined ? [] : [record], workloads ?? []), [record, workloads])
  const name = record?.manifest.metadata.name ?? id
  const worn = row?.worn.length ?? 0
  return (
    <>
      <PageHead
        title={name}
        heading={
          record === undefined
            ? name
            : worn === 0
              ? t('personas.is.nobody', { name })
              : t('personas.is.worn', { count: worn, n: count(worn), name })
        }
        lead={record?.manifest.metadata.description ?? ''}
        crumbs={[{ name: t('nav.personas'), to: paths.personas() }, { name }]}
        actions={
          record === undefined ? undefined : (
            <>
              <LinkButton variant="default" to={`${paths.persona(NEW)}${query({ from: id })}`}>
                {t('personas.copyOf')}
              </LinkButton>
              <Button
                variant="default"
                disabled={hindrance !== null}
                title={hindrance ?? undefined}
                onClick={() => setDeleting(true)}
              >
                {t('personas.remove')}
              </Button>
            </>
          )
        }
      />
      <Loaded query={persona} what={t('personas.one')}>
        {(one) => (
          <>
            <Tabs
              label={t('personas.tabs.label')}
              of={TABS.map((name) => ({
                name,
                to: `${paths.persona(id)}${query({ tab: name === 'about' ? '' : name })}`,
                word: t(`personas.tabs.${name}`),
              }))}
              chosen={tab}
              replace
            />
            {tab === 'about' && row !== undefined ? <About row={row} /> : null}
            {tab === 'about' && row !== undefined && row.assigned + row.believed > 0 ? (
              <div className="persona-forecast">
                <ForecastPanel shelf="personas" id={id} />
              </div>
            ) : null}
            <Suspense fallback={<SkeletonRows rows={8} />}>
              {tab === 'versions' ? <Versions shelf="personas" id={id} /> : null}
              {tab === 'edit' ? (
                <>
                  {one.builtin ? <p className="sub builtin-note">{t('personas.builtinNote')}</p> : null}
                  <ManifestEditor
                    shelf="personas"
                    record={one}
                    start=""
                    onSaved={(kept) => {
                      if (kept.id !== id) void navigate(paths.persona(kept.id))
                    }}
                  />
                </>
              ) : null}
            </Suspense>
            {isDeleting ? (
              <Suspense>
                <Delete record={one} worn={worn} hindrance={hindrance} onClose={() => setDeleting(false)} />
              </Suspense>
            ) : null}
          </>
        )}
      </Loaded>
    </>
  )
}

function Delete(props: {
  readonly record: ManifestRecord
  readonly worn: number
  readonly hindrance: string | null
  readonly onClose: () => void
}) {
  const { record, worn, hindrance, onClose } = props
  const navigate = useNavigate()
  const client = useQueryClient()
  const { name } = record.manifest.metadata
  return (
    <ConfirmDialog
      title={t('personas.removeTitle', { name })}
      verb={t('personas.removeVerb')}
      hindrance={hindrance}
      onClose={onClose}
      act={async () => {
        await remove(`/v1/personas/${encodeURIComponent(record.id)}`, record.version)
        say(t('personas.removed', { name }))
        void navigate(paths.personas())
        void client.invalidateQueries({ queryKey: shelfKey('personas') })
      }}
    >
      <p>
        {worn === 0 ? t('personas.removeNobody') : t('personas.removeWearers', { count: worn, n: count(worn) })}{' '}
        {t('personas.removeWhat')}
      </p>
    </ConfirmDialog>
  )
}
