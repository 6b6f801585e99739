/** What a panel shows when it has nothing to show: loading, failed, empty. Each says what is so and what helps. */

import { t } from 'i18next'
import { type ReactNode, useEffect, useState } from 'react'
import { ProblemError } from '../api/client.ts'
import { Button } from './button.tsx'
import { problemFact } from './problem.ts'
import { say } from './toast.tsx'

/** Rows of the final height, after 150 ms: a fast answer shows no placeholder at all. */
export function SkeletonRows({ rows, height = 44 }: { readonly rows: number; readonly height?: number }) {
  const [late, setLate] = useState(false)
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 150)
    return () => clearTimeout(timer)
  }, [])
  return (
    <div aria-busy="true" style={{ minHeight: rows * height }}>
      <span className="vh">{t('state.loading')}</span>
      {late
        ? Array.from({ length: rows }, (_, i) => (
            <div
              // biome-ignore lint/suspicious/noArrayIndexKey: placeholders have no identity
              key={i}
              style={{ height, display: 'flex', gap: 40, alignItems: 'center', padding: '0 16px' }}
            >
              <span className="skeleton" style={{ width: 96 + ((i * 37) % 48) }} />
              <span className="skeleton" style={{ width: 120 }} />
              <span className="skeleton" style={{ flex: 1, maxWidth: 320 - ((i * 53) % 90) }} />
            </div>
          ))
        : null}
    </div>
  )
}

export function Failed({ error, retry, what }: { error: unknown; retry: () => void; what: string }) {
  const refusal = error instanceof ProblemError ? error : null
  const cure = refusal?.problem.cure
  const id = refusal?.requestId ?? null
  return (
    <div className="note" role="alert">
      <h2>{problemFact(error)}</h2>
      <p>
        {cure === undefined ? '' : `${cure} `}
        {t('state.failed', { what })}
      </p>
      <div className="row">
        <Button size="xs" variant="default" onClick={retry}>
          {t('state.retry')}
        </Button>
        {id === null ? null : <span className="qq mono">{t('state.request', { id })}</span>}
      </div>
    </div>
  )
}

export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="note">
      <h2>{title}</h2>
      {children}
    </div>
  )
}

export function CopyCommand({ command }: { readonly command: string }) {
  return (
    <div className="row">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways on a small screen */}
      <code className="command" tabIndex={0}>
        {command}
      </code>
      <Button size="xs" variant="default" onClick={() => void copy(command)}>
        {t('state.copy')}
      </Button>
    </div>
  )
}

export async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text)
    say(t('state.copied'))
  } catch {
    say(t('state.copyFailed'), 'failed')
  }
}
