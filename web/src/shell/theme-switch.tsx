/** Follow the system, light, or dark. */
import { t } from 'i18next'
import { Icon, type IconName } from '../parts/icon.tsx'
import { type Scheme, setScheme, useScheme } from '../theme.ts'

const CHOICES: readonly (readonly [Scheme, IconName])[] = [
  ['auto', 'system'],
  ['light', 'sun'],
  ['dark', 'moon'],
]

export function ThemeSwitch() {
  const chosen = useScheme()
  return (
    <fieldset className="theme-switch">
      <legend className="vh">{t('theme.title')}</legend>
      {CHOICES.map(([scheme, icon]) => (
        <label key={scheme} title={t(`theme.${scheme}`)}>
          <input
            type="radio"
            name="theme"
            checked={chosen === scheme}
            onChange={() => setScheme(scheme)}
            aria-label={t(`theme.${scheme}`)}
          />
          <span>
            <Icon name={icon} size={14} />
          </span>
        </label>
      ))}
    </fieldset>
  )
}
