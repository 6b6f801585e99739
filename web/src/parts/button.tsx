/** The one button: ink for the next step of a page, outlined for the rest. Busy keeps its width and says so. */
import type { ButtonHTMLAttributes, ReactNode } from 'react'
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

export function LinkButton({ to, children, ...look }: Look & { readonly to: string; readonly children: ReactNode }) {
  return (
    <Link className={className(look)} to={to}>
      {children}
    </Link>
  )
}
