/** Signing in: the first-run link carries a token in its fragment (never sent to a server by the browser), else paste one. */

import { useQueryClient } from '@tanstack/react-query'
import { t } from 'i18next'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { ProblemError, post, sessionEnded, setCsrf } from '../api/client.ts'
import { keys } from '../api/queries.ts'
import type { Session } from '../nouns.ts'
import { Button } from '../parts/button.tsx'
import { Mark } from '../parts/icon.tsx'
import { problemFact } from '../parts/problem.ts'
import { CopyCommand } from '../parts/states.tsx'
import { useSubmit, Wrong } from '../parts/submit.tsx'

/** `#token=…` or `#…`; taken out of the address at once, so that it is not in the history or a screenshot. */
function takeToken(): string | null {
  const fragment = location.hash.replace(/^#/, '')
  if (fragment === '' || fragment === 'main') return null
  history.replaceState(null, '', location.pathname + location.search)
  return new URLSearchParams(fragment).get('token') ?? fragment
}

export default function SignIn() {
  const client = useQueryClient()
  const [token, setToken] = useState('')
  const { busy, wrong, setWrong, submit: ask } = useSubmit()
  const tried = useRef(false)

  const exchange = (value: string, from: 'link' | 'field') =>
    ask(
      async () => {
        await post('/v1/session', { token: value })
        const session = await client.fetchQuery<Session | null>({ queryKey: keys.session, staleTime: 0 })
        if (session === null) setWrong(t('signIn.noCookie'))
        else setCsrf(session.csrf)
      },
      (error) =>
        error instanceof ProblemError && error.problem.status === 401
          ? t(from === 'link' ? 'signIn.linkUsed' : 'signIn.unknown')
          : problemFact(error),
    )

  // biome-ignore lint/correctness/useExhaustiveDependencies: once, for the link that opened the page
  useEffect(() => {
    if (tried.current) return
    tried.current = true
    const linked = takeToken()
    if (linked !== null) void exchange(linked, 'link')
  }, [])

  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (token.trim() === '') setWrong(t('signIn.empty'))
    else void exchange(token.trim(), 'field')
  }
  return (
    <main className="sign-in" id="main">
      <title>{`${t('signIn.title')} · Guise`}</title>
      <div>
        <div className="logo">
          <Mark />
          <span>Guise</span>
        </div>
        <h1>{t('signIn.heading')}</h1>
        <p className="lead">{t(sessionEnded() ? 'signIn.ended' : 'signIn.lead')}</p>
        <form onSubmit={submit} noValidate>
          <label className="field" htmlFor="token">
            {t('signIn.token')}
          </label>
          <input
            id="token"
            className="text-input"
            type="password"
            value={token}
            onChange={(event) => setToken(event.currentTarget.value)}
            aria-invalid={wrong !== null}
            aria-describedby={wrong === null ? undefined : 'token-wrong'}
            autoComplete="off"
            spellCheck={false}
            // biome-ignore lint/a11y/noAutofocus: the page has one field and nothing to read before it
            autoFocus
          />
          <Wrong id="token-wrong" text={wrong} />
          <Button type="submit" loading={busy}>
            {t('signIn.go')}
          </Button>
        </form>
        <div className="note" style={{ padding: '22px 0 0' }}>
          <p>{t('signIn.where')}</p>
          <CopyCommand command="bin/guise token create NAME --role operator" />
        </div>
      </div>
    </main>
  )
}
