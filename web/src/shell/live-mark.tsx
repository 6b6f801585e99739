/** Says whether what is on the page is now. The dot is green only while data is fresh. */
import { t } from 'i18next'
import { togglePause, useLive } from '../api/live.ts'
import { clockSeconds, count } from '../format.ts'
import { Icon } from '../parts/icon.tsx'

export function LiveMark() {
  const live = useLive()
  const at = live.lastAt === null ? '' : clockSeconds(live.lastAt)
  const text = live.paused
    ? t('live.paused', { count: live.waiting, n: count(live.waiting) })
    : live.state === 'live'
      ? t('live.live')
      : live.state === 'connecting'
        ? t('live.connecting')
        : t(live.lastAt === null ? 'live.lost' : 'live.lostSince', { at })
  return (
    <div className="live" data-state={live.paused ? 'paused' : live.state}>
      <i aria-hidden="true" />
      <span className="cut">{text}</span>
      <button
        type="button"
        className="icon-button wide"
        aria-label={t(live.paused ? 'live.resume' : 'live.pause')}
        title={t(live.paused ? 'live.resume' : 'live.pause')}
        onClick={togglePause}
      >
        <Icon name={live.paused ? 'play' : 'pause'} size={14} />
      </button>
    </div>
  )
}
