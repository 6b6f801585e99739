/** The one button: ink for the next step of a page, outlined for the rest. Busy keeps its width and says so. */
import { type ButtonHTMLAttributes, type ReactNode, useId } from 'react'
import { Link } from 'react-router'

type Look = { readonly variant?: 'filled' | 'default'; readonly size?: 'xs' }

function className({ variant = 'filled', size }: Look, more?: string): string {
  return ['button', variant === 'filled' ? 'ink' : '', size === 'xs' ? 'small' : '', more ?? '']
    .filter(Boolean)
    .join(' ')
}

type Props = Look & { readonly loading?: boolean } & ButtonHTMLAttributes<HTMLButtonElement>

export function Button({ variant, size, loading, disabled, className: more, type = 'button', ...rest }: Props) {
  const look = { ...(variant === undefined ? {} : { variant }), ...(size === undefined ? {} : { size }) }
  return (
    <button
      {...rest}
      type={type}
      className={className(look, more)}
      disabled={disabled === true || loading === true}
      aria-busy={loading === true || undefined}
    />
  )
}

/** With the reason beside it while it cannot be pressed; `toldBy`: where one reason is told for several. */
export function HinderedButton({
  hindrance,
  toldBy,
  ...button
}: Props & { readonly hindrance: string | null; readonly toldBy?: string | undefined }) {
  const own = useId()
  return (
    <span className="disabled-why">
      <Button
        {...button}
        disabled={hindrance !== null}
        aria-describedby={hindrance === null ? undefined : (toldBy ?? own)}
      />
      {hindrance === null || toldBy !== undefined ? null : (
        <span className="sub" id={own}>
          {hindrance}
        </span>
      )}
    </span>
  )
}

export function LinkButton({ to, children, ...look }: Look & { readonly to: string; readonly children: ReactNode }) {
  return (
    <Link className={className(look)} to={to}>
      {children}
    </Link>
  )
}
