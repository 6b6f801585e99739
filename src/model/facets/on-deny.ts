/** The `onDeny` facet: what becomes of a workload's own sockets when a change denies what they are open for. */
import { type Static, Type } from 'typebox'

export const OnDeny = Type.Literal('reset')
export type OnDeny = Static<typeof OnDeny>
