/**
 * Node's flags for both processes of an agent. Of an agent's host, memory is dearer than the agent's time: left to itself
 * Node lets what is dead pile up to twice what is alive, and more (`bench -- agent-cost`). MiB, of what dies young.
 */
export const AGENT_FLAGS: readonly string[] = [
  '--disable-warning=ExperimentalWarning',
  '--optimize-for-size',
  '--max-semi-space-size=2',
]
