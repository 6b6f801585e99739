/**
 * Where our mirrors stand among the filters of a link: IPv4, IPv6, everything, what rules mirror. Before the filter of `bandwidth`, which takes
 * packets away. Others for each way, because u32 lists those of both ways of one clsact qdisc together, by preference
 * (net/sched/cls_u32.c, tc_u_common).
 */
export const MIRRORED = { ingress: [6701, 6702, 6703, 6707], egress: [6704, 6705, 6706, 6708] } as const
export const MIRROR_PREFERENCES: readonly number[] = [...MIRRORED.ingress, ...MIRRORED.egress]
