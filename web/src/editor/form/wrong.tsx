/** What is wrong at a place, in words of the server. */
import type { PreviewFault } from '../../../../src/model/preview.ts'
import { sentence } from '../../sentence.ts'
import type { Edits } from './edits.ts'
import { isUnder, type Path } from './shape.ts'

/** Fact, then cure, of what is wrong at the place itself or, of a single control, anywhere in it. */
export function wrongAt(faults: readonly PreviewFault[], path: Path, reach: 'here' | 'under'): string | null {
  const found = faults.filter(
    (one) => isUnder(one.path, path) && (reach === 'under' || one.path.length === path.length),
  )
  return found.length === 0 ? null : found.map(({ why, cure }) => `${sentence(why)} ${sentence(cure)}`).join(' ')
}

export function Wrong({ edits, path }: { readonly edits: Edits; readonly path: Path }) {
  const wrong = wrongAt(edits.faults, path, 'here')
  return wrong === null ? null : <p className="wrong">{wrong}</p>
}
