/** Every version of a manifest, newest first: who wrote it, when, and what it changed against the one before. */
import { t } from 'i18next'
import { useState } from 'react'
import type { ManifestVersion } from '../../../src/model/preview.ts'
import { Button } from '../parts/button.tsx'
import { Loaded } from '../parts/loaded.tsx'
import { Ago } from '../parts/marks.tsx'
import { addWords } from '../words/words.ts'
import './editor.css'
import { lineDiff } from './line-diff.ts'
import { type Shelf, useVersions } from './questions.ts'
import { TextDiff } from './text-diff.tsx'
import { toYaml } from './to-yaml.ts'
import { words } from './words.ts'

addWords(words)

export function Versions({ shelf, id }: { readonly shelf: Shelf; readonly id: string }) {
  const query = useVersions(shelf, id)
  return (
    <Loaded query={query} what={t('versions.what')} rows={3}>
      {(list) => (
        <ol className="surface version-list" aria-label={t('versions.title')}>
          {list.map((one, i) => (
            <Version key={one.version} one={one} before={list[i + 1]} isNow={i === 0} />
          ))}
        </ol>
      )}
    </Loaded>
  )
}

type Given = { readonly one: ManifestVersion; readonly before: ManifestVersion | undefined; readonly isNow: boolean }

function Version({ one, before, isNow }: Given) {
  const [isOpen, setOpen] = useState(isNow)
  const state = one.manifest === null ? t('versions.removed') : isNow ? t('versions.current') : null
  return (
    <li>
      <b className="n">v{one.version}</b>
      <span className="q">
        <Ago at={one.at} />
      </span>
      <span className="who cut">
        {t('versions.by', { name: one.by })}
        {state === null ? '' : `, ${state}`}
      </span>
      <Button size="xs" variant="default" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {before === undefined ? t('versions.first') : t('versions.show', { n: one.version })}
      </Button>
      {isOpen ? (
        <div className="version-body">
          <TextDiff label={t('versions.show', { n: one.version })} lines={lineDiff(linesOf(before), linesOf(one))} />
        </div>
      ) : null}
    </li>
  )
}

function linesOf(version: ManifestVersion | undefined): readonly string[] {
  return version?.manifest == null ? [] : toYaml(version.manifest).trimEnd().split('\n')
}
