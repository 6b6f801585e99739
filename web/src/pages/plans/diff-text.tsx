/** The same change as the machine has it: lines of each agent's nft table, and the plan whole. Asked for when looked at. */
import { t } from 'i18next'
import { count } from '../../format.ts'
import type { NftLine, PlanPreview } from '../../nouns.ts'
import { Button } from '../../parts/button.tsx'
import { Loaded } from '../../parts/loaded.tsx'
import { copy } from '../../parts/states.tsx'
import { usePreviewNft, useWholePlan } from './queries.ts'

export function NftText({ plan }: { readonly plan: PlanPreview }) {
  const query = usePreviewNft(plan.id)
  return (
    <Loaded query={query} what={t('planPage.diff.nftPart')} rows={6}>
      {({ agents }) => (
        <>
          {agents.length === 0 ? <p className="diff-note qq">{t('planPage.agents.none')}</p> : null}
          {agents.map(({ agent, host, hash, nft }) => (
            <div key={agent} className="diff-agent">
              <h3>
                {host} <span className="mono qq">{hash}</span>
              </h3>
              {nft === undefined ? (
                <p className="qq">{t('planPage.diff.nftLarge', { host })}</p>
              ) : nft.lines.length === 0 ? (
                <p className="qq">{t('planPage.diff.nftNone', { host })}</p>
              ) : (
                <Lines lines={nft.lines} />
              )}
              {nft !== undefined && nft.more > 0 ? (
                <p className="qq">{t('planPage.diff.nftMore', { n: count(nft.more) })}</p>
              ) : null}
            </div>
          ))}
        </>
      )}
    </Loaded>
  )
}

const CLASS = { '+': 'added', '-': 'removed', ' ': 'same' } as const

function Lines({ lines }: { readonly lines: readonly NftLine[] }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways
    <pre className="diff-text" tabIndex={0}>
      {lines.map(({ sign, text }, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines of one text never move
        <span key={i} className={CLASS[sign]}>
          {`${sign === '-' ? '\u2212' : sign} ${text}\n`}
        </span>
      ))}
    </pre>
  )
}

/** A browser draws so much at once without a pause; the copy has all. */
const MOST_CHARS = 200_000

export function JsonText({ plan }: { readonly plan: PlanPreview }) {
  const query = useWholePlan(plan.id)
  return (
    <Loaded query={query} what={t('planPage.diff.jsonPart')} rows={6}>
      {(whole) => {
        const text = JSON.stringify(whole, null, 2)
        return (
          <div className="diff-agent">
            <p className="right">
              <Button size="xs" variant="default" onClick={() => void copy(text)}>
                {t('planPage.diff.copy')}
              </Button>
            </p>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways */}
            <pre className="diff-text" tabIndex={0}>
              {text.length > MOST_CHARS ? `${text.slice(0, MOST_CHARS)}\n…` : text}
            </pre>
          </div>
        )
      }}
    </Loaded>
  )
}
