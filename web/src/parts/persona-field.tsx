/** One of the personas there are, by its id or by its name. It gets the focus of the dialog it stands in. */
import { usePersonas } from '../api/queries.ts'

export function PersonaField({
  label,
  choosing,
  by,
  value,
  onChoose,
  describedBy,
}: {
  readonly label: string
  /** while none is chosen: `Choose a persona` */
  readonly choosing: string
  readonly by: 'id' | 'name'
  /** empty: none yet */
  readonly value: string
  readonly onChoose: (value: string) => void
  readonly describedBy: string
}) {
  const personas = usePersonas().data ?? []
  return (
    <label className="field">
      {label}
      <select
        data-autofocus
        value={value}
        onChange={(event) => onChoose(event.currentTarget.value)}
        aria-describedby={describedBy}
      >
        <option value="">{choosing}</option>
        {personas.map(({ id, manifest: { metadata } }) => (
          <option key={id} value={by === 'id' ? id : metadata.name}>
            {metadata.name}
          </option>
        ))}
      </select>
    </label>
  )
}
