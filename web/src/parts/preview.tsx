/** For a first run: what will stand here, in outlines. */
import './parts.css'

export function Preview() {
  return (
    <div className="preview" aria-hidden="true">
      {[0.7, 0.55, 0.85].map((width, i) => (
        <div key={width}>
          <span className="skeleton" style={{ width: 90 }} />
          <span className="swatch" style={{ background: `var(--persona-${i + 1})` }} />
          <span className="skeleton" style={{ width: 80 }} />
          <span className="skeleton" style={{ flex: width, background: `var(--persona-${i + 1})` }} />
          <span className="skeleton" style={{ flex: 1 - width }} />
        </div>
      ))}
    </div>
  )
}
