/** A few ways to look at the same, side by side; the one in force is pressed. */
export function Segments<T extends string>({
  label,
  of,
  chosen,
  word,
  onChoose,
  className,
}: {
  readonly label: string
  readonly of: readonly T[]
  readonly chosen: T
  /** on its button */
  readonly word: (one: T) => string
  readonly onChoose: (one: T) => void
  readonly className?: string
}) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a row of toggles, not a form
    <span className={className === undefined ? 'seg' : `seg ${className}`} role="group" aria-label={label}>
      {of.map((one) => (
        <button key={one} type="button" aria-pressed={one === chosen} onClick={() => onChoose(one)}>
          {word(one)}
        </button>
      ))}
    </span>
  )
}
