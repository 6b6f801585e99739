/** Secrets: which there are, which versions are kept, what uses them. Values go in by the command line and never come out. */
import { useQuery } from '@tanstack/react-query'
import { t } from 'i18next'
import type { SecretRecord } from '../../../../src/model/facets/secret.ts'
import { get } from '../../api/client.ts'
import { secretsKey } from '../../editor/questions.ts'
import type { Grammar } from '../../grammar.ts'
import type { Page } from '../../nouns.ts'
import type { Column } from '../../parts/columns.ts'
import { Listing } from '../../parts/listing.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { Ago } from '../../parts/marks.tsx'
import { Block, Facts } from '../../parts/peek.tsx'
import { CopyCommand, Empty } from '../../parts/states.tsx'
import { personName } from '../../person.ts'
import { PageHead } from '../../shell/page.tsx'
import { addWords } from '../../words/words.ts'
import { words } from './words.ts'

addWords(words)

type SecretRow = SecretRecord & { readonly id: string }

const SHOWN = 2

const GRAMMAR: Grammar<SecretRow> = {
  words: (row) => [row.name, ...row.usedBy],
  fields: { by: (row) => [personName(row.updatedBy)] },
  numbers: { version: (row) => row.version },
  flags: { used: (row) => row.usedBy.length > 0, unused: (row) => row.usedBy.length === 0 },
}

const COLUMNS: readonly Column<SecretRow>[] = [
  {
    name: 'name',
    title: t('secrets.name'),
    value: (row) => row.name,
    cell: (row) => <b className="name cut mono">{row.name}</b>,
  },
  {
    name: 'version',
    title: t('secrets.version'),
    width: 132,
    value: (row) => row.version,
    cell: (row) => (
      <>
        <span className="n">v{row.version}</span>
        <span className="sub n">{t('secrets.versions', { count: row.versions.length })}</span>
      </>
    ),
  },
  {
    name: 'used',
    title: t('secrets.usedBy'),
    value: (row) => row.usedBy.join(' '),
    cell: (row) => <span className="q cut">{usedWords(row)}</span>,
  },
  {
    name: 'changed',
    title: t('secrets.changed'),
    width: 150,
    value: (row) => row.updatedAt,
    cell: (row) => (
      <>
        <Ago at={row.updatedAt} />
        <span className="sub cut">{t('secrets.by', { name: personName(row.updatedBy) })}</span>
      </>
    ),
  },
]

export default function Secrets() {
  const secrets = useQuery({
    queryKey: secretsKey,
    queryFn: async ({ signal }) =>
      (await get<Page<SecretRecord>>('/v1/secrets', signal)).items.map((one): SecretRow => ({ ...one, id: one.name })),
    refetchInterval: 30_000,
  })
  const all = secrets.data
  return (
    <>
      <PageHead
        title={t('nav.secrets')}
        heading={
          all === undefined
            ? t('nav.secrets')
            : all.length === 0
              ? t('secrets.none')
              : t('secrets.heading', { count: all.length })
        }
        lead={t('secrets.lead')}
        crumbs={[{ name: t('nav.secrets') }]}
      />
      <Loaded query={secrets} what={t('secrets.what')} rows={6}>
        {(rows) => (
          <Listing
            name="secrets"
            title={t('nav.secrets')}
            rows={rows}
            columns={COLUMNS}
            sort="name"
            grammar={GRAMMAR}
            placeholder={t('secrets.placeholder')}
            nearest={(row) => row.name}
            minWidth={760}
            lines={(row) => (
              <>
                <span className="l1">
                  <b className="name cut mono">{row.name}</b>
                  <span className="n">v{row.version}</span>
                </span>
                <span className="l2">
                  <span className="cut">{usedWords(row)}</span>
                  <Ago at={row.updatedAt} />
                </span>
              </>
            )}
            opens={{ kind: 'peek', peek: { title: (row) => row.name, body: (row) => <SecretPeek row={row} /> } }}
            firstRun={
              <Empty title={t('secrets.none')}>
                <p>{t('secrets.noneWhy')}</p>
                <CopyCommand command="bin/guise secret set NAME --from-file FILE" />
              </Empty>
            }
          />
        )}
      </Loaded>
    </>
  )
}

function usedWords({ usedBy }: SecretRecord): string {
  if (usedBy.length === 0) return t('secrets.unused')
  const more = usedBy.length - SHOWN
  return `${usedBy.slice(0, SHOWN).join(', ')}${more > 0 ? ` ${t('secrets.more', { n: more })}` : ''}`
}

function SecretPeek({ row }: { readonly row: SecretRow }) {
  return (
    <>
      <Block title={t('secrets.usedBy')}>
        {row.usedBy.length === 0 ? (
          <p className="q">{t('secrets.unused')}</p>
        ) : (
          <ul>
            {row.usedBy.map((user) => (
              <li key={user}>{user}</li>
            ))}
          </ul>
        )}
        <Facts
          rows={{
            [t('secrets.all')]: <span className="n">{row.versions.map((n) => `v${n}`).join(', ')}</span>,
            [t('secrets.changed')]: (
              <>
                <Ago at={row.updatedAt} /> {t('secrets.by', { name: personName(row.updatedBy) })}
              </>
            ),
          }}
        />
      </Block>
      <Block title={t('secrets.set')}>
        <CopyCommand command={`bin/guise secret set ${row.name}`} />
      </Block>
      <Block title={t('secrets.remove')}>
        {row.usedBy.length > 0 ? (
          <p className="q">{t('secrets.inUse')}</p>
        ) : (
          <CopyCommand command={`bin/guise secret delete ${row.name}`} />
        )}
      </Block>
    </>
  )
}
