/** Options data records come in (RFC 3954 §6, RFC 7011 §3.4.2.2); sampling and names of applications come out, into the domain. */
import type { ServiceNames } from '../source.ts'
import { type Domain, setApplication, setSampler } from './exporter.ts'
import type { Template } from './template.ts'

/** What one record of options says; NaN = nothing. Reused. */
type Said = Record<
  'sampler' | 'interval' | 'packets' | 'space' | 'size' | 'population' | 'share' | 'application' | 'started',
  number
>

/** IANA elements: 48/302 name a sampler or selector; 34, 50, 305–306, 309–311 say how it samples (RFC 5477). */
const SAYS: ReadonlyMap<number, keyof Said> = new Map([
  [48, 'sampler'],
  [302, 'sampler'],
  [34, 'interval'],
  [50, 'interval'],
  [305, 'packets'],
  [306, 'space'],
  [309, 'size'],
  [310, 'population'],
  [311, 'share'],
  [95, 'application'],
  [160, 'started'],
])
const APPLICATION_NAME = 96

/** `places` and `lengths` are those of the record's fields. */
export function readOptions(
  template: Template,
  view: DataView,
  places: Uint32Array,
  lengths: Uint32Array,
  domain: Domain,
  services: ServiceNames,
): void {
  const said: Said = {
    sampler: 0,
    interval: Number.NaN,
    packets: Number.NaN,
    space: Number.NaN,
    size: Number.NaN,
    population: Number.NaN,
    share: Number.NaN,
    application: Number.NaN,
    started: Number.NaN,
  }
  let name = ''
  for (const [i, field] of template.fields.entries()) {
    if (field.enterprise !== 0) continue
    if (field.element === APPLICATION_NAME) name = readText(view, places[i]!, lengths[i]!)
    const key = SAYS.get(field.element)
    const length = lengths[i]!
    if (key === undefined || length === 0 || length > 8) continue
    said[key] = key === 'share' && length === 8 ? view.getFloat64(places[i]!) : readNumber(view, places[i]!, length)
  }
  const factor = factorOf(said)
  if (factor !== null) setSampler(domain, said.sampler, factor)
  if (said.started > 0) domain.startedMs = said.started
  if (name !== '' && !Number.isNaN(said.application))
    setApplication(domain, said.application, services.intern(name.toLowerCase()))
}

function factorOf(said: Said): number | null {
  if (said.packets > 0 && said.space >= 0) return (said.packets + said.space) / said.packets
  if (said.size > 0 && said.population >= said.size) return said.population / said.size
  if (said.share > 0 && said.share <= 1) return 1 / said.share
  // Element 305 alone is what some exporters send for «one in so many».
  if (said.packets > 1) return said.packets
  if (said.interval > 0) return said.interval
  return null
}

export function readNumber(view: DataView, at: number, length: number): number {
  let value = 0
  for (let i = 0; i < length; i++) value = value * 256 + view.getUint8(at + i)
  return value
}

/** Up to 64 bytes, to the first NUL: exporters pad names with it. */
export function readText(view: DataView, at: number, length: number): string {
  let text = ''
  for (let i = at; i < at + Math.min(length, 64); i++) {
    const c = view.getUint8(i)
    if (c === 0) break
    text += String.fromCharCode(c)
  }
  return text
}
