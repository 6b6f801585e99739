/** The sentences of Sources. */
export const words = {
  sources: { heading: 'Sources' },
}
