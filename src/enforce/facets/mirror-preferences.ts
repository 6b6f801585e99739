/**
 * Where our mirrors stand among the filters of a link: before the filter of `bandwidth`, which takes packets away. Earlier
 * releases had several each way; they are ours to remove.
 */
export const MIRRORED = { ingress: 6707, egress: 6708 } as const
export const MIRROR_PREFERENCES: readonly number[] = [6701, 6702, 6703, 6704, 6705, 6706, ...Object.values(MIRRORED)]
