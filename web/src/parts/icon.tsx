/** Line icons, 16 px, always beside a word. */
const PATHS = {
  fleet: 'M3 3.5h10M3 8h10M3 12.5h10',
  activity: 'M2 8h3l2-5 3 10 2-5h2',
  topology:
    'M8 2.5a1.6 1.6 0 100 3.200 1.600 1.600 0 000-3.200zM3.600 10.300a1.600 1.600 0 100 3.200 1.600 1.600 0 000-3.200zM12.400 10.300a1.600 1.600 0 100 3.200 1.600 1.600 0 000-3.200zM7.200 5.500l-2.800 5M8.800 5.500l2.800 5M5.200 11.900h5.600',
  source:
    'M8 8v5.500M5.800 10.200a3.100 3.100 0 010-4.400M10.200 10.200a3.100 3.100 0 000-4.400M3.800 12.200a5.900 5.900 0 010-8.400M12.200 12.200a5.900 5.900 0 000-8.400',
  policy: 'M8 2l5 1.800v4c0 3-2 5-5 6.200-3-1.200-5-3.200-5-6.200v-4L8 2zM5.800 8l1.600 1.600L10.400 6.400',
  plan: 'M2.5 5L8 2.5 13.5 5 8 7.5 2.5 5zM2.5 8L8 10.5 13.5 8M2.5 11L8 13.5 13.5 11',
  risk: 'M8 2.5l6 10.5H2L8 2.5zM8 7v3M8 11.6v.2',
  agent: 'M4 4h8v8H4zM6.5 1.5V4M9.5 1.5V4M6.5 12v2.5M9.5 12v2.5M1.5 6.5H4M1.5 9.5H4M12 6.5h2.5M12 9.5h2.5',
  search: 'M7 2.8a4.2 4.2 0 100 8.4 4.2 4.2 0 000-8.4zM10.2 10.2l3 3',
  persona: 'M3 5c3 1.4 7 1.4 10 0 0 5-2 8-5 8S3 10 3 5zM5.8 8.2h1M9.2 8.2h1',
  secret: 'M4.500 5.500a2.500 2.500 0 100 5 2.500 2.500 0 000-5zM7 8h7.200M11.500 8v2.200M13.500 8v1.600',
  ledger: 'M3.5 2.5h9v11h-9zM6 2.5v11',
  pause: 'M5.5 3.5v9M10.5 3.5v9',
  play: 'M5 3.5l7 4.5-7 4.5z',
  keyboard: 'M1.8 4.5h12.4v7H1.8zM4 7h.1M6.6 7h.1M9.2 7h.1M11.8 7h.1M5 9.3h6',
  export: 'M8 2.5v7.500M5 7l3 3 3-3M3 13.500h10',
  filter: 'M2.500 4h11M4.500 8h7M6.500 12h3',
  close: 'M4 4l8 8M12 4l-8 8',
  link: 'M6.500 9.500l3-3M7.500 4.500l1-1a2.800 2.800 0 014 4l-1 1M8.500 11.500l-1 1a2.800 2.800 0 01-4-4l1-1',
  more: 'M3.500 8h.1M8 8h.1M12.500 8h.1',
  out: 'M9.5 3H4v10h5.5M7 8h7M11.5 5.5L14 8l-2.500 2.5',
  system: 'M2.5 3.2h11v7.600h-11zM6 13h4',
  sun: 'M8 5.200a2.800 2.800 0 100 5.600 2.800 2.800 0 000-5.600zM8 1.500v1.400M8 13.100v1.400M1.500 8h1.400M13.100 8h1.400M3.400 3.400l1 1M11.600 11.600l1 1M3.400 12.600l1-1M11.600 4.400l1-1',
  moon: 'M13.300 9.800A5.600 5.600 0 016.200 2.700a5.600 5.600 0 107.100 7.100z',
} as const
export type IconName = keyof typeof PATHS

export function Icon({ name, size = 16 }: { readonly name: IconName; readonly size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.3"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
    >
      <path d={PATHS[name]} />
    </svg>
  )
}

export function Mark({ size = 20 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 20 20" aria-hidden="true">
      <circle cx="10" cy="10" r="8.2" fill="none" stroke="currentColor" strokeWidth="1.6" />
      <path d="M10 1.8a8.2 8.2 0 010 16.4c3-2.4 3-5.8 1-8.2s-2.400-5.400-1-8.200z" fill="currentColor" />
      <circle cx="7" cy="9" r="1.1" fill="currentColor" />
    </svg>
  )
}
