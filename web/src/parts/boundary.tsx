/** A page that breaks says so and leaves the frame standing; after an update its parts are gone from the server. */
import { t } from 'i18next'
import { Component, type ReactNode } from 'react'
import { Button } from './button.tsx'

type State = { readonly error: unknown }

/** A class because React offers no other way to catch what a child throws while rendering. */
export class Boundary extends Component<{ readonly children: ReactNode }, State> {
  override state: State = { error: null }

  static getDerivedStateFromError(error: unknown): State {
    return { error }
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children
    return (
      <div className="note" role="alert">
        <h1>{t('state.broken')}</h1>
        <p>{t('state.brokenWhy')}</p>
        <div className="row">
          <Button onClick={() => location.reload()}>{t('state.reload')}</Button>
          <span className="qq mono">{String(this.state.error).slice(0, 200)}</span>
        </div>
      </div>
    )
  }
}
