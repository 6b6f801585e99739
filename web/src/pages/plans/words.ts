/** The sentences of Plans. */
export const words = {
  plans: { heading: 'Plans' },
}
