/** What a person's word makes of proposals: the records it changes, or why it cannot be. Pure; the server writes them. */
import type { PersonaManifest } from '../../model/manifest.ts'
import type { ProposalAct, ProposalRecord } from '../../model/proposal.ts'
import type { Outcome } from '../../model/why.ts'

type Edited = Outcome<readonly ProposalRecord[]>

/** Names of personas are `^[A-Za-z0-9][A-Za-z0-9 ._-]*$` (model/manifest.ts). */
export const PERSONA_NAME = /^[A-Za-z0-9][A-Za-z0-9 ._-]{0,62}$/

/** First comes the record to look at now: of two that were merged, the one that is left. */
export function editProposal(all: readonly ProposalRecord[], id: string, act: ProposalAct, now: number): Edited {
  const record = all.find((one) => one.id === id)
  if (record === undefined)
    return refused('not-found', `There is no proposal ${id}.`, 'List them with guise learn proposals.')
  // A word that was given twice, by somebody who did not hear the answer, is one word.
  if (record.state === 'accepted' && act.do === 'accept' && record.became === act.persona) return said([record])
  if (record.state !== 'open' && !(record.state === 'rejected' && act.do === 'accept'))
    return refused(
      'proposal-moved-on',
      `Proposal ${id} is ${record.state}.`,
      'Look at it with guise learn proposal show.',
    )
  const changed = { ...record, updatedAt: now, isHeld: true }
  switch (act.do) {
    case 'accept':
      return said([{ ...changed, state: 'accepted', became: act.persona }])
    case 'reject':
      return said([{ ...changed, state: 'rejected' }])
    case 'rename':
      if (!PERSONA_NAME.test(act.name))
        return refused(
          'name-refused',
          'That is no name of a persona.',
          'Use letters, digits, spaces, dots, dashes; at most 63.',
        )
      // A name says nothing of who belongs to it.
      return said([{ ...changed, isHeld: record.isHeld, name: act.name }])
    case 'merge':
      return merge(all, changed, act.into)
    case 'split':
      return split(all, changed, new Set(act.workloads))
  }
}

function merge(all: readonly ProposalRecord[], from: ProposalRecord, into: string): Edited {
  const other = all.find((one) => one.id === into)
  if (other === undefined || other.id === from.id || other.state !== 'open')
    return refused('not-found', `There is no other open proposal ${into}.`, 'List them with guise learn proposals.')
  return said([
    {
      ...other,
      updatedAt: from.updatedAt,
      isHeld: true,
      workloads: [...new Set([...other.workloads, ...from.workloads])].sort(),
      // Both are known by what they were: neither is found again as something new.
      clusters: [...other.clusters, ...from.clusters],
    },
    { ...from, state: 'merged', became: other.id, clusters: [] },
  ])
}

function split(all: readonly ProposalRecord[], from: ProposalRecord, leave: ReadonlySet<string>): Edited {
  const gone = from.workloads.filter((workload) => leave.has(workload))
  const left = from.workloads.filter((workload) => !leave.has(workload))
  if (gone.length !== leave.size || gone.length === 0 || left.length === 0)
    return refused(
      'split-refused',
      'A split takes some of its workloads, not all, and no others.',
      `Name some of the ${from.workloads.length} that guise learn proposal show lists.`,
    )
  const base = from.id.replace(/[a-z]+$/, '')
  const letters = 'bcdefghijklmnopqrstuvwxyz'
  const letter = [...letters].find((one) => all.every(({ id }) => id !== `${base}${one}`))
  if (letter === undefined) return refused('split-refused', 'It was split too often.', 'Merge some of its parts first.')
  const part = from.clusters.map((cluster) => ({
    ...cluster,
    exemplars: cluster.exemplars.filter(({ workload }) => leave.has(workload)),
  }))
  return said([
    { ...from, workloads: left },
    {
      ...from,
      id: `${base}${letter}`,
      name: `${from.name.slice(0, 60)} ${letter.toUpperCase()}`,
      workloads: gone,
      // The rounds go on knowing the one it came from; its own windows are what was shown of it.
      clusters: part.map((cluster) => ({ ...cluster, id: 0, workloads: gone })),
      createdAt: from.updatedAt,
      version: 0,
    },
  ])
}

/** The persona that accepting writes: nobody wears it, and nothing is enforced by its being there. */
export function draftPersona({ name, description, rules }: ProposalRecord): PersonaManifest {
  return {
    apiVersion: 'guise/v1',
    kind: 'Persona',
    metadata: { name, description },
    spec: {
      profile: { default: { egress: 'deny', ingress: 'deny' }, rules: rules.map(({ rule }) => renamed(rule, name)) },
    },
  }
}

/** What those alike are allowed to each other follows the name. */
function renamed(rule: ProposalRecord['rules'][number]['rule'], name: string): ProposalRecord['rules'][number]['rule'] {
  return {
    ...rule,
    peers: rule.peers.map((peer) => ('persona' in peer && peer.persona === ALIKE ? { persona: name } : peer)),
  }
}

/** Stands in rules of a proposal for the persona it may become; no persona can be called that. */
export const ALIKE = '*alike*'

const said = (value: readonly ProposalRecord[]): Edited => ({ ok: true, value })

function refused(code: string, why: string, cure: string): Edited {
  return { ok: false, code, why, cure }
}
