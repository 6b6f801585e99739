/** One policy: written on the left, tried on the right; what its selectors stand for, and the versions there were. */
import { useQueryClient } from '@tanstack/react-query'
import { t } from 'i18next'
import { lazy, Suspense, useState } from 'react'
import { useNavigate, useParams } from 'react-router'
import { ManifestEditor } from '../../editor/manifest-editor.tsx'
import { shelfKey, useManifest } from '../../editor/questions.ts'
import { toYaml } from '../../editor/to-yaml.ts'
import type { ManifestRecord } from '../../nouns.ts'
import { useAddress } from '../../parts/address.ts'
import { Button, LinkButton } from '../../parts/button.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { useHindrance } from '../../parts/rights.ts'
import { SkeletonRows } from '../../parts/states.tsx'
import { Tabs } from '../../parts/tabs.tsx'
import { paths, query } from '../../paths.ts'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import './policies.css'
import { NEW, POLICY } from '../../editor/template.ts'
import { words } from './words.ts'

addWords(words)

const DeleteDialog = lazy(() => import('./delete-dialog.tsx'))
const Stands = lazy(async () => ({ default: (await import('./stands.tsx')).Stands }))
const Versions = lazy(async () => ({ default: (await import('../../editor/versions.tsx')).Versions }))
const TABS = ['edit', 'stands', 'versions'] as const

export default function Policy() {
  const { id = '' } = useParams()
  return id === NEW ? <NewPolicy /> : <KnownPolicy key={id} id={id} />
}

function NewPolicy() {
  const from = useAddress().get('from')
  const navigate = useNavigate()
  const source = useManifest('policies', from === '' ? null : from)
  const name = source.data?.manifest.metadata.name
  const head = (
    <PageHead
      title={t('policies.make')}
      heading={name === undefined ? t('policies.text.new') : t('policies.text.copy', { name })}
      lead={t('policies.newLead')}
      crumbs={[{ name: t('nav.policies'), to: paths.policies() }, { name: t('policies.make') }]}
    />
  )
  const editor = (start: string) => (
    <ManifestEditor
      shelf="policies"
      record={null}
      start={start}
      onSaved={(kept) => void navigate(paths.policy(kept.id))}
    />
  )
  return (
    <>
      {head}
      {from === '' ? (
        editor(POLICY)
      ) : (
        <Loaded query={source} what={t('policies.one')}>
          {(record) => editor(copyOf(record))}
        </Loaded>
      )}
    </>
  )
}

/** Another name, and in observe: two of one in force would say everything twice. */
function copyOf({ manifest }: ManifestRecord): string {
  if (manifest.kind !== 'Policy') return POLICY
  const metadata = { ...manifest.metadata, name: `${manifest.metadata.name.slice(0, 58)}-copy` }
  return toYaml({ ...manifest, metadata, spec: { ...manifest.spec, mode: 'observe' } })
}

function KnownPolicy({ id }: { readonly id: string }) {
  const policy = useManifest('policies', id)
  const address = useAddress()
  const navigate = useNavigate()
  const client = useQueryClient()
  const hindrance = useHindrance(['operator', 'admin'])
  const [isDeleting, setDeleting] = useState(false)
  const tab = TABS.find((one) => one === address.get('tab')) ?? 'edit'
  const record = policy.data
  const name = record?.manifest.metadata.name ?? id
  return (
    <>
      <PageHead
        title={name}
        heading={
          record?.manifest.kind === 'Policy'
            ? t(`policies.text.${record.manifest.spec.mode ?? 'observe'}`, { name })
            : name
        }
        lead={record?.manifest.metadata.description ?? ''}
        crumbs={[{ name: t('nav.policies'), to: paths.policies() }, { name }]}
        actions={
          record === undefined ? undefined : (
            <>
              <LinkButton variant="default" to={`${paths.policy(NEW)}${query({ from: id })}`}>
                {t('policies.duplicate')}
              </LinkButton>
              <Button
                variant="default"
                disabled={hindrance !== null}
                title={hindrance ?? undefined}
                onClick={() => setDeleting(true)}
              >
                {t('policies.remove')}
              </Button>
            </>
          )
        }
      />
      <Loaded query={policy} what={t('policies.one')}>
        {(one) => (
          <>
            <Tabs
              label={t('policies.tabs.label')}
              of={TABS.map((name) => ({
                name,
                to: `${paths.policy(id)}${query({ tab: name === 'edit' ? '' : name })}`,
                word: t(`policies.tabs.${name}`),
              }))}
              chosen={tab}
              replace
            />
            <Suspense fallback={<SkeletonRows rows={8} />}>
              {tab === 'stands' ? <Stands id={id} /> : null}
              {tab === 'versions' ? <Versions shelf="policies" id={id} /> : null}
            </Suspense>
            {tab === 'edit' ? (
              <ManifestEditor
                shelf="policies"
                record={one}
                start=""
                onSaved={(kept) => {
                  if (kept.id !== id) void navigate(paths.policy(kept.id))
                }}
              />
            ) : null}
            {isDeleting ? (
              <Suspense>
                <DeleteDialog
                  record={one}
                  hindrance={hindrance}
                  onClose={() => setDeleting(false)}
                  onDeleted={() => {
                    void navigate(paths.policies())
                    void client.invalidateQueries({ queryKey: shelfKey('policies') })
                  }}
                />
              </Suspense>
            ) : null}
          </>
        )}
      </Loaded>
    </>
  )
}
