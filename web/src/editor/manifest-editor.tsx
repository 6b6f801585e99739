/**
 * One manifest as text on the left, what it would do on the right. In: the record (or a text to begin with) and who may save.
 * The server reads the text a quarter of a second after the last keystroke; saving waits for its word on exactly that text.
 */
import { t } from 'i18next'
import { lazy, type ReactNode, Suspense, useEffect, useRef, useState } from 'react'
import { Link } from 'react-router'
import type { ManifestPreview } from '../../../src/model/preview.ts'
import { usePersonas, usePlans } from '../api/queries.ts'
import { clockSeconds } from '../format.ts'
import type { ManifestRecord } from '../nouns.ts'
import { Button } from '../parts/button.tsx'
import { Waiting } from '../parts/loaded.tsx'
import { useHindrance } from '../parts/rights.ts'
import { SkeletonRows } from '../parts/states.tsx'
import { paths } from '../paths.ts'
import { addWords } from '../words/words.ts'
import './editor.css'
import { type Editing, useEditing } from './editing.ts'
import { lineDiff } from './line-diff.ts'
import { PreviewPanel } from './preview-panel.tsx'
import { KIND_OF, type Shelf, usePreview, useSchema, useSecretNames } from './questions.ts'
import { TextDiff } from './text-diff.tsx'
import { words } from './words.ts'

addWords(words)

const CodeMirrorEditor = lazy(() => import('./code-mirror.tsx'))
/** Policies have no facets. */
const FacetMenu = lazy(() => import('./facet-menu.tsx'))
const PersonaForm = lazy(() => import('./form/persona-form.tsx'))
const SETTLES_MS = 250

export function ManifestEditor({
  shelf,
  record,
  start,
  onSaved,
}: {
  readonly shelf: Shelf
  /** null: something new */
  readonly record: ManifestRecord | null
  readonly start: string
  readonly onSaved: (record: ManifestRecord) => void
}) {
  const editing = useEditing(shelf, record, start, onSaved)
  const [workload, setWorkload] = useState<string | null>(null)
  const settled = useSettled(editing.text, SETTLES_MS)
  const preview = usePreview(settled, workload)
  const hindrance = useHindrance(['operator', 'admin'])
  const goTo = useRef<(line: number, column: number) => void>(() => {})
  const secrets = useSecretNames(shelf === 'personas' ? 'asks' : 'rests').data ?? NO_NAMES
  const schema = useSchema(KIND_OF[shelf]).data
  const answer = preview.data
  const isCurrent = settled === editing.text && !preview.isPlaceholderData && answer !== undefined
  const why = hindrance ?? (isCurrent ? cannotSave(editing, answer, shelf) : t('editor.checking'))
  const save = () => {
    if (why === null && answer !== undefined) void editing.save(answer)
  }
  return (
    <div className="editing">
      <section className="surface editor-panel" aria-labelledby="editor-title">
        <Head editing={editing} why={why} isReader={hindrance !== null} save={save} isNew={isNew(record, answer)}>
          {shelf !== 'personas' ? null : (
            <Suspense>
              <FacetMenu
                text={editing.text}
                secret={secrets[0] ?? 'NAME'}
                onAdd={(text, line) => {
                  editing.write(text)
                  // The editor holds the new text once it was drawn.
                  requestAnimationFrame(() => goTo.current(line, 1))
                }}
              />
            </Suspense>
          )}
        </Head>
        <Notes editing={editing} record={record} answer={isCurrent ? answer : undefined} hindrance={hindrance} />
        <Text
          shelf={shelf}
          editing={editing}
          answer={answer}
          readOnly={hindrance !== null}
          save={save}
          goTo={goTo}
          secrets={secrets}
        />
        <p className="editor-foot">
          <span id="editor-leave">{t('editor.leave')}</span>
          <span>{t('preview.nothingWritten')}</span>
        </p>
      </section>
      <div className="editing-beside">
        {shelf !== 'personas' || schema === undefined ? null : (
          <Suspense fallback={<SkeletonRows rows={6} />}>
            <PersonaForm
              text={editing.text}
              write={editing.write}
              schema={schema}
              faults={answer?.faults ?? NONE}
              secrets={secrets}
              readOnly={hindrance !== null}
            />
          </Suspense>
        )}
        <section className="surface preview-panel" aria-labelledby="preview-title">
          <h2 id="preview-title">{t('preview.title')}</h2>
          {answer === undefined ? (
            <Waiting query={preview} what={t('preview.failed')} rows={6} />
          ) : (
            <PreviewPanel
              preview={answer}
              isCurrent={isCurrent}
              workload={workload}
              onWorkload={setWorkload}
              goTo={(line, column) => goTo.current(line, column)}
            />
          )}
        </section>
      </div>
    </div>
  )
}

function useSettled(text: string, afterMs: number): string {
  const [settled, setSettled] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), afterMs)
    return () => clearTimeout(timer)
  }, [text, afterMs])
  return settled
}

function isNew(record: ManifestRecord | null, answer: ManifestPreview | undefined): boolean {
  return record === null || (answer?.ok === true && answer.stored[0]?.id !== record.id)
}

/** null: it can be saved. */
function cannotSave(editing: Editing, answer: ManifestPreview, shelf: Shelf): string | null {
  if (answer.faults.length > 0) return t('editor.hasFaults', { count: answer.faults.length })
  const [manifest, more] = answer.manifests
  if (more !== undefined) return t('editor.oneOnly', { n: answer.manifests.length })
  if (manifest?.kind !== KIND_OF[shelf])
    return t('editor.otherKind', { kind: manifest?.kind ?? '', wanted: KIND_OF[shelf] })
  const failing = answer.tests.filter((one) => !one.passed).length + answer.broken.length
  if (failing > 0) return t('editor.hasFailing', { count: failing })
  return editing.isChanged || editing.base.version === 0 ? null : t('editor.unchanged')
}

function Head(props: {
  readonly editing: Editing
  readonly why: string | null
  readonly isReader: boolean
  readonly save: () => void
  readonly isNew: boolean
  readonly children: ReactNode
}) {
  const { editing, why, isReader, save } = props
  return (
    <div className="editor-head">
      <h2 id="editor-title">{t('editor.title')}</h2>
      {editing.base.version === 0 ? null : <span className="tag n">v{editing.base.version}</span>}
      <span className="sub" role="status">
        {isReader ? null : (why ?? (HAS_COMMENT.test(editing.text) ? t('editor.commentsLost') : null))}
      </span>
      {isReader ? null : (
        <span className="buttons">
          {props.children}
          {editing.isChanged ? (
            <Button size="xs" variant="default" onClick={editing.revert}>
              {t('editor.revert')}
            </Button>
          ) : null}
          <Button size="xs" loading={editing.isBusy} disabled={why !== null} onClick={save}>
            {t(props.isNew ? 'editor.saveNew' : 'editor.save')}
          </Button>
        </span>
      )}
    </div>
  )
}

/** What stands in the way, what happened: under the head, above the text. */
function Notes(props: {
  readonly editing: Editing
  readonly record: ManifestRecord | null
  readonly answer: ManifestPreview | undefined
  readonly hindrance: string | null
}) {
  const { editing, record, answer, hindrance } = props
  const name = answer?.manifests[0]?.metadata.name
  const renamed = record !== null && name !== undefined && isNew(record, answer)
  return (
    <>
      {hindrance === null ? null : <Note>{t('editor.readOnly', { why: hindrance })}</Note>}
      {editing.restored === null || !editing.isChanged ? null : (
        <Note>{t('editor.restored', { at: clockSeconds(editing.restored.at) })}</Note>
      )}
      {renamed ? <Note>{t('editor.renamed', { name, old: record.manifest.metadata.name })}</Note> : null}
      {editing.wrong === null ? null : (
        <Note isAlert>
          <span className="wrong">{editing.wrong}</span>
        </Note>
      )}
      {editing.conflict === null ? null : <ConflictNote editing={editing} />}
      {editing.saved === null ? null : <SavedNote editing={editing} />}
    </>
  )
}

function Note({ children, isAlert }: { readonly children: ReactNode; readonly isAlert?: true }) {
  return (
    <div className="bar-note" role={isAlert ? 'alert' : undefined}>
      <p>{children}</p>
    </div>
  )
}

function ConflictNote({ editing }: { readonly editing: Editing }) {
  const [isCompared, setCompared] = useState(false)
  const { conflict } = editing
  if (conflict === null) return null
  const { theirs } = conflict
  return (
    <div className="bar-note" role="alert">
      <p className="b">{t('editor.conflict', { by: theirs.updatedBy, n: theirs.version })}</p>
      <p>{t('editor.conflictWhy')}</p>
      <div className="buttons">
        <Button size="xs" variant="default" onClick={() => editing.settle('theirs')}>
          {t('editor.theirs')}
        </Button>
        <Button size="xs" variant="default" onClick={() => editing.settle('mine')}>
          {t('editor.mine')}
        </Button>
        <Button size="xs" variant="default" aria-expanded={isCompared} onClick={() => setCompared(!isCompared)}>
          {t(isCompared ? 'editor.hideCompare' : 'editor.compare')}
        </Button>
      </div>
      {isCompared ? (
        <TextDiff label={t('editor.compared')} lines={lineDiff(conflict.text.split('\n'), editing.text.split('\n'))} />
      ) : null}
    </div>
  )
}

/** The plan comes by itself, a moment after the save: the stream of events brings it into the list. */
function SavedNote({ editing }: { readonly editing: Editing }) {
  const plans = usePlans().data ?? []
  const saved = editing.saved!
  const since = saved.record.updatedAt
  const plan = plans.filter((one) => one.plan.createdAt >= since).sort((a, b) => b.plan.createdAt - a.plan.createdAt)[0]
  return (
    <div className="bar-note" role="status">
      <p>
        <span className="b">{t('editor.savedNote', { n: saved.record.version })}</span>{' '}
        {plan !== undefined ? (
          <>
            {t('editor.savedPlan')}{' '}
            <Link className="link" to={paths.plan(plan.plan.id)}>
              {t('editor.openPlan')}
            </Link>
          </>
        ) : (
          t(saved.hadPlan ? 'editor.savedWaiting' : 'editor.savedNoPlan')
        )}
      </p>
    </div>
  )
}

function Text(props: {
  readonly shelf: Shelf
  readonly editing: Editing
  readonly answer: ManifestPreview | undefined
  readonly readOnly: boolean
  readonly save: () => void
  readonly goTo: { current: (line: number, column: number) => void }
  readonly secrets: readonly string[]
}) {
  const { shelf, editing, answer, readOnly, save, goTo, secrets } = props
  const schema = useSchema(KIND_OF[shelf]).data ?? null
  const personas = usePersonas().data ?? []
  return (
    <Suspense
      fallback={
        <pre className="code-wait" aria-busy="true">
          <span className="vh">{t('editor.loading')}</span>
          {editing.text}
        </pre>
      }
    >
      <CodeMirrorEditor
        value={editing.text}
        onChange={editing.write}
        label={t('editor.label', { kind: t(`editor.kind.${shelf}`) })}
        describedBy="editor-leave"
        readOnly={readOnly}
        faults={answer?.faults ?? NONE}
        warnings={answer?.warnings ?? NONE}
        schema={schema}
        names={{ persona: personas.map((one) => one.manifest.metadata.name), secret: secrets }}
        onSave={save}
        onReady={(go) => {
          goTo.current = go
        }}
      />
    </Suspense>
  )
}

/** Manifests are stored as data, and read back as the YAML this page writes. */
const HAS_COMMENT = /(?:^|\s)#/m

const NONE: ManifestPreview['faults'] = []
const NO_NAMES: readonly string[] = []
