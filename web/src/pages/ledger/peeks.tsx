/** One record whole, or one decision: what was written, the hashes that hold it in place, and where to go from it. */
import { t } from 'i18next'
import { Link } from 'react-router'
import { absolute } from '../../format.ts'
import { useAddress } from '../../parts/address.ts'
import { Loaded } from '../../parts/loaded.tsx'
import { Block, Facts } from '../../parts/peek.tsx'
import { personName } from '../../person.ts'
import { sentence } from '../../sentence.ts'
import { useDecision } from './queries.ts'
import { placeOf, type Row } from './record.ts'

export function RecordPeek({ row }: { readonly row: Row }) {
  const address = useAddress()
  const place = placeOf(row)
  const { id: _id, ...whole } = row
  const only = (q: string) => () => address.set({ q, sel: '' })
  return (
    <>
      <Block title={t('ledger.peek.facts')}>
        <p className="said">{sentence(row.summary)}</p>
        <Facts
          rows={{
            [t('ledger.peek.at')]: absolute(row.at),
            [t('ledger.peek.actor')]: (
              <>
                {personName(row.actor)}{' '}
                <button type="button" className="link" onClick={only(`actor:${quoted(personName(row.actor))}`)}>
                  {t('ledger.peek.onlyActor', { name: personName(row.actor) })}
                </button>
              </>
            ),
            [t('ledger.peek.action')]: <span className="mono">{row.action}</span>,
            [t('ledger.peek.object')]: (
              <>
                {place === null ? (
                  <span className="mono">{row.object}</span>
                ) : (
                  <Link className="link mono" to={place}>
                    {row.object}
                  </Link>
                )}{' '}
                <button type="button" className="link" onClick={only(`object:${quoted(row.object)}`)}>
                  {t('ledger.peek.onlyObject')}
                </button>
              </>
            ),
          }}
        />
      </Block>
      <Block title={t('ledger.peek.chain')}>
        <Facts
          rows={{
            [t('ledger.peek.hash')]: <span className="mono">{row.hash}</span>,
            [t('ledger.peek.previous')]:
              row.previous === undefined ? null : row.previous === '' ? (
                t('ledger.peek.first')
              ) : (
                <span className="mono">{row.previous}</span>
              ),
          }}
        />
      </Block>
      <Block title={t('ledger.peek.json')}>
        <Json value={whole} />
      </Block>
    </>
  )
}

const quoted = (text: string) => (/\s/.test(text) ? `"${text}"` : text)

export function DecisionPeek({ id }: { readonly id: string }) {
  const query = useDecision(id)
  return (
    <Loaded query={query} what={t('ledger.decision.part')} rows={6}>
      {(decision) => (
        <>
          <Block title={t('ledger.decision.one')}>
            <p className="said">{sentence(decision.summary)}</p>
            <Facts
              rows={{
                [t('ledger.peek.at')]: absolute(decision.at),
                [t('ledger.decision.kind')]: decision.kind,
                [t('ledger.decision.versions')]: Object.entries(decision.versions)
                  .map(([name, version]) => `${name} ${version}`)
                  .join(', '),
                [t('ledger.decision.seed')]: String(decision.seed),
              }}
            />
          </Block>
          <Block title={t('ledger.decision.inputs')}>
            <Facts
              rows={Object.fromEntries(
                Object.entries(decision.inputs).map(([name, hash]) => [
                  name,
                  <span key={name} className="mono">
                    {hash}
                  </span>,
                ]),
              )}
            />
          </Block>
          <Block title={t('ledger.decision.report')}>
            <Json value={decision.detail} />
          </Block>
        </>
      )}
    </Loaded>
  )
}

const MOST_CHARS = 40_000

function Json({ value }: { readonly value: unknown }) {
  const text = JSON.stringify(value, null, 2) ?? ''
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways
    <pre className="record-json mono" tabIndex={0}>
      {text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)}\n…` : text}
    </pre>
  )
}
