/** What facets are called, for the pages that name them. */
export const facetWords = {
  vpn: 'VPN',
  tls: 'Certificates',
  egressAddress: 'Address it is seen by',
  publishedPorts: 'Published ports',
  redirects: 'Led elsewhere',
  bandwidth: 'Bandwidth',
  cpu: 'Processors',
  memory: 'Memory',
  packages: 'Packages',
  inspection: 'Inspection',
  fingerprint: 'Fingerprint',
  dlp: 'Bounds on what leaves',
  onDeny: 'Sockets of what is denied',
  machine: 'Machine',
} as const

/** What a resolved state says besides: what its personas made of it, and the rest of its network and names. */
export const stateWords = {
  search: 'Search domains',
  personas: 'Personas worn at once',
  ladder: 'Step of its ladder',
  routing: 'Routing',
  naming: 'Names',
  ...facetWords,
} as const
