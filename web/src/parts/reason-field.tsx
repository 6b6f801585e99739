/** What a person says to what they do, for the record; it may stay empty. */
export function ReasonField({
  label,
  value,
  onWrite,
  maxLength = 500,
}: {
  readonly label: string
  readonly value: string
  readonly onWrite: (value: string) => void
  readonly maxLength?: number
}) {
  return (
    <label className="field">
      {label}
      <input
        className="text-input"
        value={value}
        maxLength={maxLength}
        autoComplete="off"
        onChange={({ currentTarget }) => onWrite(currentTarget.value)}
      />
    </label>
  )
}
