/** The sentences of Policies. */
export const words = {
  policies: { heading: 'Policies' },
}
