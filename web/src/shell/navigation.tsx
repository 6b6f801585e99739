/** The pages, three times: at the side, at the bottom of small screens, and all of them behind "More". */
import { t } from 'i18next'
import { Fragment, useRef } from 'react'
import { Link, useLocation } from 'react-router'
import { useAgents, usePlans, useSources } from '../api/queries.ts'
import { awaitsPerson, isLosing, isSilent } from '../attention.ts'
import { type Group, type NavPage, PAGES, type PageName } from '../pages.ts'
import { Icon, Mark } from '../parts/icon.tsx'
import { useNow } from '../parts/now.ts'
import { paths } from '../paths.ts'

const GROUPS: readonly Group[] = ['observe', 'learn', 'decide', 'enforce']
/** The bottom bar of small screens has room for these. */
const BOTTOM: readonly PageName[] = ['fleet', 'topology', 'plans', 'activity']

/** A person must act: filled. A person should look: a plain number. */
type Badge = { readonly n: number; readonly kind: 'act' | 'look'; readonly says: string }

function useBadges(): (page: PageName) => Badge | null {
  const plans = usePlans().data ?? []
  const sources = useSources().data ?? []
  const agents = useAgents().data ?? []
  const now = useNow(5_000)
  const badge = (n: number, kind: Badge['kind'], says: (count: number) => string) =>
    n === 0 ? null : { n, kind, says: says(n) }
  return (page) => {
    if (page === 'plans')
      return badge(plans.filter(awaitsPerson).length, 'act', (n) => t('nav.badge.plans', { count: n }))
    if (page === 'sources')
      return badge(sources.filter(isLosing).length, 'look', (n) => t('nav.badge.sources', { count: n }))
    if (page === 'agents')
      return badge(agents.filter((a) => isSilent(a, now)).length, 'look', (n) => t('nav.badge.agents', { count: n }))
    return null
  }
}

function Count({ badge }: { readonly badge: Badge | null }) {
  if (badge === null) return null
  return (
    <span className={badge.kind === 'act' ? 'badge act' : 'badge'} title={badge.says}>
      <span aria-hidden="true">{badge.n}</span>
      <span className="vh">{badge.says}</span>
    </span>
  )
}

function useCurrent(): (to: string) => 'page' | undefined {
  const { pathname } = useLocation()
  const under = (to: string) =>
    pathname.startsWith(to) ||
    (to === paths.fleet() && pathname.startsWith('/workloads/')) ||
    (to === paths.personas() && pathname.startsWith(paths.models()))
  return (to) => (under(to) ? 'page' : undefined)
}

function Groups({ onGo }: { readonly onGo?: () => void }) {
  const current = useCurrent()
  const badges = useBadges()
  const link = ({ name, to, icon }: NavPage) => (
    <li key={to}>
      <Link to={to} aria-current={current(to)} title={t(`nav.${name}`)} onClick={onGo}>
        <Icon name={icon} />
        <span>{t(`nav.${name}`)}</span>
        <Count badge={badges(name)} />
      </Link>
    </li>
  )
  return GROUPS.map((group) => (
    <Fragment key={group}>
      <div className="group">{t(`nav.${group}`)}</div>
      <ul>{PAGES.filter((page) => page.group === group).map(link)}</ul>
    </Fragment>
  ))
}

export function Side() {
  return (
    <nav className="side" aria-label={t('shell.main')}>
      <Link className="logo" to={paths.fleet()}>
        <Mark />
        <span>Guise</span>
      </Link>
      <Groups />
      <Contact />
    </nav>
  )
}

function Contact() {
  const agents = useAgents()
  const now = useNow(5_000)
  if (agents.data === undefined) return null
  const silent = agents.data.filter((a) => isSilent(a, now))
  const hosts = [...new Set(agents.data.map((a) => a.host))]
  return (
    <div className="contact">
      <span className="b">{hosts.length === 1 ? hosts[0] : t('shell.hosts', { count: hosts.length })}</span>
      <br />
      {agents.data.length === 0
        ? t('shell.noAgent')
        : silent.length === 0
          ? t('shell.inTouch', { count: agents.data.length })
          : t('shell.outOfTouch', { count: agents.data.length, silent: silent.length })}
    </div>
  )
}

export function Bottom() {
  const current = useCurrent()
  const badges = useBadges()
  const sheet = useRef<HTMLElement>(null)
  const rest = PAGES.filter((page) => !BOTTOM.includes(page.name))
  const here = rest.some((page) => current(page.to) !== undefined)
  return (
    <>
      <nav className="bottom" aria-label={t('shell.mainSmall')}>
        {BOTTOM.map((name) => {
          const page = PAGES.find((one) => one.name === name)!
          return (
            <Link key={page.to} to={page.to} aria-current={current(page.to)}>
              <Icon name={page.icon} size={18} />
              {t(`nav.${page.name}`)}
              <Count badge={badges(page.name)} />
            </Link>
          )
        })}
        <button type="button" popoverTarget="more" className={here ? 'current' : undefined}>
          <Icon name="more" size={18} />
          {t('nav.more')}
          {rest.some((page) => badges(page.name) !== null) ? <i className="dot" aria-hidden="true" /> : null}
        </button>
      </nav>
      <nav ref={sheet} id="more" className="more-sheet" popover="auto" aria-label={t('nav.allPages')}>
        <Groups onGo={() => sheet.current?.hidePopover()} />
      </nav>
    </>
  )
}
