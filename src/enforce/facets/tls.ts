/**
 * The `tls` facet: certificates as files in the workload, changed in one rename, with a signal to whoever reads them. Issuing
 * happens before (agent/certificates.ts), so that what is switched here is at hand; a renewed certificate is put in place by
 * the next look at what is there.
 */
import { type Tls, tlsFaults } from '../../model/facets/tls.ts'
import type { FacetPart, Place } from '../facet.ts'
import { secretsHome } from '../secret-files.ts'
import { captureFiles, convergeFiles, type Installed, readyFor, type Spot, wantOf } from './tls/install.ts'

type TlsState = readonly Installed[]

export const tls: FacetPart<Tls, TlsState> = {
  facet: 'tls',
  refusal({ namespace, root }, wish) {
    if (namespace === null && root === null) return 'it has neither a root directory nor a namespace of its own'
    const [fault] = tlsFaults(wish)
    return fault === undefined ? null : `${fault.why}; ${fault.cure}`
  },
  capture: async (place) => captureFiles(spotOf(place), secretsHome()),
  wanted(place, _, { certificates }) {
    for (const certificate of certificates) readyFor(spotOf(place), certificate, secretsHome())
    return certificates.map((certificate) => ({ name: certificate.name, want: wantOf(certificate), certificate }))
  },
  converge: async (place, wanted) => convergeFiles(spotOf(place), wanted, secretsHome()),
  normalise: (state) => JSON.stringify(state.map(({ name, want }) => `${name} ${want}`).sort()),
  undo: (place, from) => [{ run: 'tls', ...spotOf(place), certificates: from, home: secretsHome() }],
}

function spotOf({ key, namespace, root }: Place): Spot {
  return { key, namespace, root }
}
