/** What every field is given: the text's change, what the server finds wrong, names that exist. */
import type { PreviewFault } from '../../../../src/model/preview.ts'
import type { Schema } from '../schema-words.ts'
import type { Path } from './shape.ts'

export type Edits = {
  readonly set: (path: Path, value: unknown) => void
  readonly add: (path: Path, value: unknown) => void
  readonly remove: (path: Path) => void
  readonly raise: (path: Path, at: number) => void
  readonly rename: (path: Path, from: string, to: string) => void
  readonly faults: readonly PreviewFault[]
  readonly secrets: readonly string[]
  readonly personas: readonly string[]
}

export type FieldProps = {
  readonly edits: Edits
  readonly schema: Schema
  readonly path: Path
  readonly value: unknown
  /** what it is called, whole: for a screen reader `Routes 2, via` */
  readonly label: string
  readonly isRequired: boolean
}
