/** What a person asks of the server: busy meanwhile, and what is wrong when it was refused. */
import { useState } from 'react'
import { problemText } from './problem.ts'

type Told = string | null | Promise<string | null>

/** `told`: what is said of a rejection; null when something else says it. */
export function useSubmit() {
  const [busy, setBusy] = useState(false)
  const [wrong, setWrong] = useState<string | null>(null)
  const submit = async (act: () => Promise<void>, told: (error: unknown) => Told = problemText): Promise<void> => {
    setBusy(true)
    setWrong(null)
    try {
      await act()
    } catch (error) {
      setWrong(await told(error))
    }
    setBusy(false)
  }
  return { busy, wrong, setWrong, submit }
}

/** Fact, then cure; nothing while nothing is wrong. */
export function Wrong({ id, text }: { readonly id?: string; readonly text: string | null }) {
  if (text === null) return null
  return (
    <p id={id} role="alert" className="wrong">
      {text}
    </p>
  )
}
