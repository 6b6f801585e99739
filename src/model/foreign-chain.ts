/**
 * Hooks of others (Docker, podman, firewalld, fail2ban, a hand) beside ours: what an agent tells of them, and what that means
 * for a packet. A drop is final at any priority; that another chain accepts it changes nothing (nft(8), "Verdict statements").
 */
import { type Static, Type } from 'typebox'
import { plainText } from './plain-text.ts'

export const ForeignChain = Type.Object(
  {
    /** `inet firewalld` */
    table: Type.String({ maxLength: 80 }),
    chain: Type.String({ maxLength: 80 }),
    hook: Type.String({ maxLength: 20 }),
    priority: Type.Number({ minimum: -(2 ** 31), maximum: 2 ** 31 }),
    /** What becomes of what none of its rules decides. */
    policy: Type.String({ maxLength: 10 }),
  },
  { additionalProperties: false },
)
export type ForeignChain = Static<typeof ForeignChain>

export const MAX_FOREIGN = 64
/** Of our base chains: 0 on the way out, and at `forward` 1 on the way in (`compile/base.ts`). */
const OURS = { first: 0, last: 1 }

/** At the same priority the kernel runs in the order of making, which nobody tells us. */
function stands({ hook, priority }: ForeignChain): 'before' | 'beside' | 'after' {
  if (priority < OURS.first) return 'before'
  return priority > (hook === 'forward' ? OURS.last : OURS.first) ? 'after' : 'beside'
}

export const dropsByPolicy = ({ policy }: ForeignChain): boolean => policy === 'drop'

/** `ip filter FORWARD, priority 0, beside ours, drops what none of its rules lets pass` */
export function foreignText(one: ForeignChain): string {
  const what = dropsByPolicy(one) ? 'drops what none of its rules lets pass' : 'may drop by a rule of its own'
  return plainText(`${one.table} ${one.chain}, priority ${one.priority}, ${stands(one)} ours, ${what}`, 300)
}

/** Where packets of a workload pass: on its link's way through the host, or at the host's own ends. */
export function foreignAt(
  chains: readonly ForeignChain[],
  where: 'netns' | 'host' | 'gateway',
  direction: 'egress' | 'ingress',
): ForeignChain[] {
  const hook = where !== 'host' ? 'forward' : direction === 'egress' ? 'output' : 'input'
  const found = chains.filter((one) => one.hook === hook || one.hook === 'prerouting' || one.hook === 'postrouting')
  const rank = (one: ForeignChain) => (dropsByPolicy(one) ? 0 : one.hook === hook ? 1 : 2)
  return found.sort((a, b) => rank(a) - rank(b) || a.priority - b.priority)
}
