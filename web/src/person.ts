import { personOf } from '../../src/model/actor.ts'

/** Who did it, as people say it: `session:Mira` is Mira, `agent:a_rack2` is a_rack2. */
export function personName(actor: string): string {
  return personOf(actor).replace(/^agent:/, '')
}
