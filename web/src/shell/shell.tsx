/** The frame around every page: navigation, bar, main, bottom bar on small screens, dialogs and toasts. */
import { useQueryClient } from '@tanstack/react-query'
import { t } from 'i18next'
import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react'
import { useNavigate } from 'react-router'
import { remove, setCsrf } from '../api/client.ts'
import { connectLive, togglePause, useLive } from '../api/live.ts'
import { keys, useSession } from '../api/queries.ts'
import { PAGES } from '../pages.ts'
import { Icon } from '../parts/icon.tsx'
import { Toasts } from '../parts/toast.tsx'
import { toggleScheme } from '../theme.ts'
import { useKeys } from './keys.ts'
import { LiveMark } from './live-mark.tsx'
import { Bottom, Side } from './navigation.tsx'
import { ThemeSwitch } from './theme-switch.tsx'

const loadPalette = () => import('./palette.tsx')
const Palette = lazy(loadPalette)
const KeyMap = lazy(() => import('./key-map.tsx'))

type Open = 'palette' | 'keys' | null

export function Shell({ children }: { readonly children: ReactNode }) {
  const [open, setOpen] = useState<Open>(null)
  const navigate = useNavigate()
  const client = useQueryClient()
  const live = useLive()
  useEffect(() => connectLive(client).close, [client])
  // Fetched while nothing else happens: who types right after Ctrl K must not lose a letter.
  useEffect(() => {
    const idle = requestIdleCallback(() => void loadPalette())
    return () => cancelIdleCallback(idle)
  }, [])
  useKeys({
    ...Object.fromEntries(PAGES.map((page) => [page.keys, () => navigate(page.to)])),
    'mod+k': () => setOpen('palette'),
    'mod+.': toggleScheme,
    '.': togglePause,
    '?': () => setOpen('keys'),
  })
  return (
    <div className="app" data-stale={live.state === 'behind' || live.state === 'reconnecting' ? '' : undefined}>
      <a className="skip" href="#main">
        {t('shell.skip')}
      </a>
      <Hatch />
      <Side />
      <div className="column">
        <Bar onPalette={() => setOpen('palette')} onKeys={() => setOpen('keys')} />
        <main id="main" tabIndex={-1}>
          {children}
        </main>
      </div>
      <Bottom />
      <Toasts />
      <Suspense>
        {open === 'palette' ? <Palette onClose={() => setOpen(null)} /> : null}
        {open === 'keys' ? <KeyMap onClose={() => setOpen(null)} /> : null}
      </Suspense>
    </div>
  )
}

/** The 45° hatch that means "unknown" in every chart. */
function Hatch() {
  return (
    <svg width="0" height="0" style={{ position: 'absolute' }} aria-hidden="true">
      <defs>
        <pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect width="6" height="6" fill="var(--raised)" />
          <line x1="0" y1="0" x2="0" y2="6" stroke="var(--unknown)" strokeWidth="2" />
        </pattern>
      </defs>
    </svg>
  )
}

function Bar({ onPalette, onKeys }: { readonly onPalette: () => void; readonly onKeys: () => void }) {
  return (
    <header className="bar">
      <div id="crumbs" className="crumbs" />
      <button type="button" className="find wide" onClick={onPalette}>
        {t('shell.find')}
        <kbd>Ctrl K</kbd>
      </button>
      <button type="button" className="icon-button narrow" aria-label={t('shell.find')} onClick={onPalette}>
        <Icon name="search" />
      </button>
      <LiveMark />
      <div className="wide">
        <ThemeSwitch />
      </div>
      <Person onKeys={onKeys} />
    </header>
  )
}

function Person({ onKeys }: { readonly onKeys: () => void }) {
  const session = useSession().data
  const client = useQueryClient()
  if (!session) return null
  const initials = session.name
    .split(/[^A-Za-z0-9]+/)
    .filter(Boolean)
    .map((word) => word[0]!.toUpperCase())
    .slice(0, 2)
    .join('')
  const signOut = async () => {
    await remove('/v1/session').catch(() => undefined)
    setCsrf(null)
    client.setQueryData(keys.session, null)
  }
  return (
    <>
      <button
        type="button"
        className="avatar"
        popoverTarget="account"
        title={t('shell.account', { name: session.name })}
      >
        <span aria-hidden="true">{initials}</span>
        <span className="vh">{t('shell.account', { name: session.name })}</span>
      </button>
      <div id="account" className="menu" popover="auto">
        <p className="qq">{t('shell.signedIn', { name: session.name, role: session.role })}</p>
        <button type="button" popoverTarget="account" onClick={onKeys}>
          <Icon name="keyboard" />
          {t('shell.keys')}
        </button>
        <button type="button" popoverTarget="account" onClick={toggleScheme}>
          <Icon name="moon" />
          {t('theme.toggle')}
        </button>
        <button type="button" popoverTarget="account" onClick={() => void signOut()}>
          <Icon name="out" />
          {t('shell.signOut')}
        </button>
      </div>
    </>
  )
}
