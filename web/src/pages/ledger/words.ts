/** The sentences of Ledger. */
export const words = {
  ledger: { heading: 'Ledger' },
}
