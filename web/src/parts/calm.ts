/** A value that changes many times a second, taken over at most every `everyMs`: the first change at once, the last one surely. */
import { useEffect, useRef, useState } from 'react'

export function useCalm<T>(value: T, everyMs: number): T {
  const [taken, setTaken] = useState(value)
  const takenAt = useRef(0)
  useEffect(() => {
    if (everyMs === 0 || value === taken) return
    const wait = Math.max(0, takenAt.current + everyMs - performance.now())
    const timer = setTimeout(() => {
      takenAt.current = performance.now()
      setTaken(value)
    }, wait)
    return () => clearTimeout(timer)
  }, [value, taken, everyMs])
  return everyMs === 0 ? value : taken
}
