/**
 * Of an agent's host, memory is dearer than the agent's time: left to itself Node lets what is dead pile up to twice what is
 * alive, and more (`bench -- agent-cost`). MiB, of what dies young.
 */
export const FRUGAL: readonly string[] = ['--optimize-for-size', '--max-semi-space-size=2']
