/** The sentences of Topology. */
export const words = {
  topology: { heading: 'Topology' },
}
