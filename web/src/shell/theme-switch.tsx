/** Follow the system, light, or dark. */
import { type MantineColorScheme, useMantineColorScheme } from '@mantine/core'
import { t } from 'i18next'
import { Icon, type IconName } from '../parts/icon.tsx'

const CHOICES: readonly (readonly [MantineColorScheme, IconName])[] = [
  ['auto', 'system'],
  ['light', 'sun'],
  ['dark', 'moon'],
]

export function ThemeSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <fieldset className="theme-switch">
      <legend className="vh">{t('theme.title')}</legend>
      {CHOICES.map(([scheme, icon]) => (
        <label key={scheme} title={t(`theme.${scheme}`)}>
          <input
            type="radio"
            name="theme"
            checked={colorScheme === scheme}
            onChange={() => setColorScheme(scheme)}
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
