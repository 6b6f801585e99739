/** The tokens of tokens.css as a canvas needs them: resolved for the theme in force. No colour is written here. */
const NAMES = [
  'surface',
  'raised',
  'bg',
  'line',
  'line-2',
  'field',
  'ink',
  'ink-2',
  'ink-3',
  'accent',
  'drop',
  'would-drop',
  'unknown',
  'risk-2',
  'risk-3',
  'risk-4',
  'persona-1',
  'persona-2',
  'persona-3',
  'persona-4',
  'persona-5',
  'persona-6',
  'persona-7',
  'persona-8',
  'persona-9',
  'persona-10',
  'persona-11',
  'persona-12',
] as const
type Name = (typeof NAMES)[number]
export type Colors = Readonly<Record<Name, string>> & { readonly of: (css: string) => string }

/** `light-dark()` is resolved only where it is used as a colour, so one element wears each for a moment. */
export function readColors(within: HTMLElement): Colors {
  const probe = document.createElement('span')
  probe.hidden = true
  within.append(probe)
  const resolve = (css: string) => {
    probe.style.color = css
    return getComputedStyle(probe).color
  }
  const found = Object.fromEntries(NAMES.map((name) => [name, resolve(`var(--${name})`)])) as Record<Name, string>
  probe.remove()
  return { ...found, of: (css) => found[/^var\(--(.+)\)$/.exec(css)?.[1] as Name] ?? found['ink-3'] }
}

/** Tells when the theme changed: by the switch in the bar, or by the system. */
export function onTheme(act: () => void): () => void {
  const system = matchMedia('(prefers-color-scheme: dark)')
  const root = new MutationObserver(act)
  root.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] })
  system.addEventListener('change', act)
  return () => {
    root.disconnect()
    system.removeEventListener('change', act)
  }
}
