/** The sentences of Personas. */
export const words = {
  personas: { heading: 'Personas' },
}
