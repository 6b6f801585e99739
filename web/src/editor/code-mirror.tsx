/**
 * The YAML editor: CodeMirror with words from the schema, marks where the server finds something wrong, colours of the page.
 * A chunk of its own, loaded when an editor is opened. Esc, then Tab leaves it; read-only it can still be walked and copied.
 */
import { autocompletion, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { yaml } from '@codemirror/lang-yaml'
import { bracketMatching, indentOnInput, indentUnit } from '@codemirror/language'
import { lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint'
import { Annotation, Compartment, EditorState, type Extension } from '@codemirror/state'
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from '@codemirror/view'
import { useEffect, useRef } from 'react'
import type { PreviewFault } from '../../../src/model/preview.ts'
import { wordSource } from './complete.ts'
import { diagnosticsOf } from './faults.ts'
import { looks } from './looks.ts'
import type { Schema } from './schema-words.ts'

export type EditorProps = {
  readonly value: string
  readonly onChange: (value: string) => void
  /** `Policy in YAML` */
  readonly label: string
  /** id of the line that says how to leave */
  readonly describedBy: string
  readonly readOnly: boolean
  readonly faults: readonly PreviewFault[]
  readonly warnings: readonly PreviewFault[]
  readonly schema: Schema | null
  /** What may be named in a field: `persona` → the names there are. */
  readonly names: Readonly<Record<string, readonly string[]>>
  readonly onSave: () => void
  /** Gets what moves the cursor to a line (1-based) and takes the focus there. */
  readonly onReady: (goTo: (line: number, column: number) => void) => void
}

/** On changes that come from outside: nobody typed them. */
const given = Annotation.define<true>()

export default function CodeMirrorEditor(props: EditorProps) {
  const box = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | null>(null)
  const held = useRef(props)
  held.current = props
  const writable = useRef(new Compartment())
  const { value, readOnly, faults, warnings } = props
  // biome-ignore lint/correctness/useExhaustiveDependencies: made once; what changes is told to it below
  useEffect(() => {
    if (box.current === null) return
    const made = new EditorView({
      parent: box.current,
      state: EditorState.create({ doc: value, extensions: extensions(held, writable.current) }),
    })
    view.current = made
    held.current.onReady((line, column) => goTo(made, line, column))
    return () => {
      view.current = null
      made.destroy()
    }
  }, [])
  useEffect(() => {
    const made = view.current
    if (made === null || made.state.doc.toString() === value) return
    made.dispatch({ changes: { from: 0, to: made.state.doc.length, insert: value }, annotations: given.of(true) })
  }, [value])
  useEffect(() => {
    view.current?.dispatch({ effects: writable.current.reconfigure(readOnlyState(readOnly)) })
  }, [readOnly])
  useEffect(() => {
    const made = view.current
    if (made !== null) made.dispatch(setDiagnostics(made.state, diagnosticsOf(made.state.doc, faults, warnings)))
  }, [faults, warnings])
  return <div ref={box} className="code-editor" />
}

function readOnlyState(readOnly: boolean): Extension {
  return [
    EditorState.readOnly.of(readOnly),
    EditorView.contentAttributes.of({ 'aria-readonly': readOnly ? 'true' : 'false' }),
  ]
}

function extensions(held: { readonly current: EditorProps }, writable: Compartment): Extension {
  const { label, describedBy, readOnly } = held.current
  return [
    lineNumbers(),
    highlightActiveLineGutter(),
    highlightSpecialChars(),
    history(),
    drawSelection(),
    indentOnInput(),
    indentUnit.of('  '),
    bracketMatching(),
    highlightActiveLine(),
    EditorView.lineWrapping,
    yaml(),
    looks(),
    lintGutter(),
    autocompletion({ override: [wordSource(() => held.current)], icons: false, aboveCursor: false }),
    writable.of(readOnlyState(readOnly)),
    EditorView.contentAttributes.of({
      'aria-label': label,
      'aria-describedby': describedBy,
      spellcheck: 'false',
      tabindex: '0',
    }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged && !update.transactions.some((one) => one.annotation(given) === true))
        held.current.onChange(update.state.doc.toString())
    }),
    keymap.of([
      {
        key: 'Mod-s',
        preventDefault: true,
        run: () => {
          held.current.onSave()
          return true
        },
      },
      ...completionKeymap,
      ...defaultKeymap,
      ...historyKeymap,
      ...lintKeymap,
      indentWithTab,
    ]),
  ]
}

function goTo(view: EditorView, line: number, column: number): void {
  const at = view.state.doc.line(Math.max(1, Math.min(line, view.state.doc.lines)))
  const position = Math.min(at.to, at.from + Math.max(0, column - 1))
  view.dispatch({ selection: { anchor: position }, effects: EditorView.scrollIntoView(position, { y: 'center' }) })
  view.focus()
}
