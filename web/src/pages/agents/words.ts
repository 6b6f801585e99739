/** The sentences of Agents. */
export const words = {
  agents: { heading: 'Agents' },
}
