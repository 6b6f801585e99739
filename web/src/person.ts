/** Who did it, as people say it: `session:Mira` is Mira, `agent:a_rack2` is a_rack2. */
export function personName(actor: string): string {
  return actor.replace(/^(?:session|agent):/, '')
}
