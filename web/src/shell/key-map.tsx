/** `?`: every key there is, and the switch for those who type letters by voice or by accident. */
import { t } from 'i18next'
import { useState } from 'react'
import { PAGES } from '../pages.ts'
import { Dialog } from '../parts/dialog.tsx'
import { setSingleKeys, singleKeysOn } from './keys.ts'

const KEYS = [
  ['/', 'filter'],
  ['j k', 'move'],
  ['Enter', 'open'],
  ['w', 'why'],
  ['s', 'shift'],
  ['c', 'confirm'],
  ['r', 'rollback'],
  ['.', 'pause'],
  ['Ctrl K', 'palette'],
  ['Ctrl .', 'theme'],
  ['Esc', 'close'],
  ['?', 'help'],
] as const

export default function KeyMap({ onClose }: { readonly onClose: () => void }) {
  const [on, setOn] = useState(singleKeysOn())
  return (
    <Dialog onClose={onClose} title={t('keys.title')} width={600}>
      <ul className="key-list">
        {[
          ...PAGES.map((page) => [page.keys, t('nav.goTo', { page: t(`nav.${page.name}`) })] as const),
          ...KEYS.map(([key, name]) => [key, t(`keys.${name}`)] as const),
        ].map(([key, name]) => (
          <li key={key}>
            {name}
            <span>
              {key.split(' ').map((part) => (
                <kbd key={part} style={{ marginLeft: 4 }}>
                  {part}
                </kbd>
              ))}
            </span>
          </li>
        ))}
      </ul>
      <p style={{ marginTop: 16 }}>
        <label>
          <input
            type="checkbox"
            checked={on}
            onChange={(event) => {
              setOn(event.currentTarget.checked)
              setSingleKeys(event.currentTarget.checked ? 'on' : 'off')
            }}
          />{' '}
          {t('keys.single')}
        </label>
      </p>
    </Dialog>
  )
}
