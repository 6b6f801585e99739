/** What a detector keeps for a channel: the place of its own state, so that it is looked up once and not for every row. */
import { grown } from '../model/channels.ts'
import type { Ends } from './ends.ts'

/** Place + 1; 0 = not looked up. */
export type ByChannel = {
  /** For the batch that `ends` looked at last. */
  of(ends: Ends): Int32Array
}

export const UNKNOWN = 0
/** Of no interest, whatever its rows say. */
export const NEVER = -1

export function createByChannel(): ByChannel {
  let places: Int32Array = new Int32Array(0)
  let generation = 0
  return {
    of(ends) {
      if (places.length < ends.room) places = grown(places, ends.room)
      if (ends.generation !== generation) places.fill(UNKNOWN)
      generation = ends.generation
      return places
    },
  }
}
