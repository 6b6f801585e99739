/** One manifest under edit: its text, what it is written against, saving with a version check, and a draft that outlives the page. */
import { useQueryClient } from '@tanstack/react-query'
import { t } from 'i18next'
import { useEffect, useRef, useState } from 'react'
import type { ManifestPreview } from '../../../src/model/preview.ts'
import { get, ProblemError, post, put } from '../api/client.ts'
import { keys } from '../api/queries.ts'
import type { ManifestRecord } from '../nouns.ts'
import { problemText } from '../parts/problem.ts'
import { useSubmit } from '../parts/submit.tsx'
import { say } from '../parts/toast.tsx'
import { type Draft, dropDraft, keepDraft, readDraft } from './draft.ts'
import { type Shelf, shelfKey } from './questions.ts'
import { toYaml } from './to-yaml.ts'

export type Conflict = { readonly theirs: ManifestRecord; readonly text: string }
export type Saved = { readonly record: ManifestRecord; readonly hadPlan: boolean }
export type Editing = {
  readonly text: string
  readonly write: (text: string) => void
  readonly isChanged: boolean
  /** What it was written against. */
  readonly base: { readonly text: string; readonly version: number }
  readonly restored: Draft | null
  readonly revert: () => void
  readonly conflict: Conflict | null
  readonly settle: (choice: 'theirs' | 'mine') => void
  readonly save: (preview: ManifestPreview) => Promise<void>
  readonly isBusy: boolean
  readonly wrong: string | null
  readonly saved: Saved | null
}

export function textOf(record: Pick<ManifestRecord, 'manifest'>): string {
  return toYaml(record.manifest)
}

/** `record` null: something new, which begins as `start`. */
export function useEditing(
  shelf: Shelf,
  record: ManifestRecord | null,
  start: string,
  onSaved: (record: ManifestRecord) => void,
): Editing {
  const client = useQueryClient()
  const name = `${shelf}/${record?.id ?? '_new'}`
  const [base, setBase] = useState(() =>
    record === null ? { text: start, version: 0 } : { text: textOf(record), version: record.version },
  )
  const [restored, setRestored] = useState<Draft | null>(() => {
    const draft = readDraft(name)
    return draft !== null && draft.text !== base.text ? draft : null
  })
  const [text, setText] = useState(restored?.text ?? base.text)
  // A draft is written against the version that was there then, so a change by somebody else meanwhile is a conflict.
  const [version, setVersion] = useState(restored?.version ?? base.version)
  const [conflict, setConflict] = useState<Conflict | null>(null)
  const { busy: isBusy, wrong, setWrong, submit } = useSubmit()
  const [saved, setSaved] = useState<Saved | null>(null)
  const isChanged = text !== base.text
  useKept(name, isChanged, { text, version })
  // What somebody else saved is taken over as long as nothing is being written here.
  useEffect(() => {
    if (record === null || isChanged || record.version <= version) return
    const fresh = { text: textOf(record), version: record.version }
    setBase(fresh)
    setText(fresh.text)
    setVersion(fresh.version)
  }, [record, isChanged, version])

  const begin = (fresh: ManifestRecord, keep: string | null) => {
    const own = { text: textOf(fresh), version: fresh.version }
    setBase(own)
    setVersion(own.version)
    setText(keep ?? own.text)
    setRestored(null)
    setConflict(null)
    setWrong(null)
  }
  const isNew = (preview: ManifestPreview) => record === null || preview.stored[0]?.id !== record.id
  const send = async (preview: ManifestPreview): Promise<ManifestRecord> => {
    const [manifest] = preview.manifests
    return record === null || isNew(preview)
      ? post<ManifestRecord>(`/v1/${shelf}`, manifest)
      : put<ManifestRecord>(`/v1/${shelf}/${encodeURIComponent(record.id)}`, manifest, version)
  }
  const keep = async (preview: ManifestPreview) => {
    const kept = await send(preview)
    dropDraft(name)
    if (!isNew(preview)) begin(kept, null)
    setSaved({ record: kept, hadPlan: preview.plan !== null })
    say(t('editor.saved', { name: kept.manifest.metadata.name, n: kept.version }))
    client.setQueryData([...shelfKey(shelf), 'one', kept.id], kept)
    for (const key of [shelfKey(shelf), keys.plans, keys.audit, ['preview']])
      void client.invalidateQueries({ queryKey: key })
    onSaved(kept)
  }
  /** Somebody else saved meanwhile: the conflict says it. */
  const refused = async (error: unknown) => {
    if (!(error instanceof ProblemError) || error.problem.status !== 412 || record === null) return problemText(error)
    const theirs = await get<ManifestRecord>(`/v1/${shelf}/${encodeURIComponent(record.id)}`).catch(() => null)
    if (theirs !== null) setConflict({ theirs, text: textOf(theirs) })
    return null
  }
  const save = (preview: ManifestPreview) => submit(() => keep(preview), refused)
  return {
    ...{ text, base, restored, isChanged, conflict, isBusy, wrong, saved, save },
    write: (next) => {
      setText(next)
      setSaved(null)
    },
    revert: () => {
      dropDraft(name)
      setText(base.text)
      setVersion(base.version)
      setRestored(null)
    },
    settle: (choice) => {
      if (conflict !== null) begin(conflict.theirs, choice === 'mine' ? text : null)
    },
  }
}

/** The draft follows the text; the browser asks before the tab is closed or loaded anew. */
function useKept(name: string, isChanged: boolean, { text, version }: { text: string; version: number }): void {
  const touched = useRef(false)
  useEffect(() => {
    if (isChanged) {
      touched.current = true
      keepDraft(name, { text, version, at: Date.now() })
    } else if (touched.current) dropDraft(name)
  }, [name, isChanged, text, version])
  useEffect(() => {
    if (!isChanged) return
    const before = (event: BeforeUnloadEvent) => event.preventDefault()
    addEventListener('beforeunload', before)
    return () => removeEventListener('beforeunload', before)
  }, [isChanged])
}
