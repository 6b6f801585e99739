/** Keyboard commands: one listener, sequences such as `g f`, off while typing and while a dialog is open. */
import { useLayoutEffect, useRef } from 'react'

export type Bindings = Readonly<Record<string, () => void>>

const stack: { current: Bindings }[] = []
let pending = ''
let pendingAt = 0
const SEQUENCE_MS = 1_200
const STORED = 'guise-single-keys'

/** Single letters can be switched off (WCAG 2.1.4); chords with Ctrl stay. */
export function singleKeysOn(): boolean {
  return localStorage.getItem(STORED) !== 'off'
}
export function setSingleKeys(value: 'on' | 'off'): void {
  localStorage.setItem(STORED, value)
}

function typing(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) &&
    !(target instanceof HTMLInputElement && target.type === 'radio')
  )
}

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.altKey) return
  const chord = (event.ctrlKey || event.metaKey) && !event.shiftKey ? `mod+${event.key.toLowerCase()}` : null
  if (chord !== null) {
    run(chord, event)
    return
  }
  if (typing(event.target) || document.querySelector('dialog[open]') !== null) return
  if (event.key.length === 1 && !singleKeysOn()) return
  const now = performance.now()
  const sequence = pending !== '' && now - pendingAt < SEQUENCE_MS ? `${pending} ${event.key}` : event.key
  pending = ''
  if (event.key === 'g' && sequence === 'g') {
    pending = 'g'
    pendingAt = now
    return
  }
  run(sequence, event)
}

function run(name: string, event: KeyboardEvent): void {
  const action = find(name)
  if (action === undefined) return
  event.preventDefault()
  action()
}

function find(name: string): (() => void) | undefined {
  return stack.findLast((held) => held.current[name] !== undefined)?.current[name]
}

/** Whether the page that is open does something with this key: the palette offers it then. */
export function isBound(name: string): boolean {
  return find(name) !== undefined
}
/** As if the key was typed. */
export function press(name: string): void {
  find(name)?.()
}

/** The innermost component that binds a key gets it. */
export function useKeys(bindings: Bindings): void {
  const held = useRef(bindings)
  held.current = bindings
  // With what is seen, not a moment after it: a key pressed at once would go nowhere.
  useLayoutEffect(() => {
    if (stack.length === 0) window.addEventListener('keydown', onKey)
    stack.push(held)
    return () => {
      stack.splice(stack.indexOf(held), 1)
      if (stack.length === 0) window.removeEventListener('keydown', onKey)
    }
  }, [])
}
