/** Which colour and which two letters stand for a persona. Colour never names one alone: the name is always beside it. */
import { DEFAULT_PERSONA } from './nouns.ts'

const FIXED: Readonly<Record<string, readonly [color: number, monogram: string]>> = {
  'API Server': [1, 'AS'],
  'API Consumer': [2, 'AC'],
  Database: [3, 'DB'],
  'Data Exporter': [4, 'DX'],
  'Web User': [5, 'WU'],
  Compromised: [6, 'CP'],
  Idle: [7, 'ID'],
  Scanner: [8, 'SC'],
  Executive: [9, 'EX'],
  'Software Developer': [10, 'SD'],
  'Data Analyst': [11, 'DA'],
  'Remote Worker': [12, 'RW'],
  'DNS Resolver': [9, 'NS'],
  'Build Runner': [10, 'BR'],
  Camera: [11, 'CM'],
  'Message Broker': [12, 'MQ'],
}
/** Personas that name an attacker: drawn on top of a stack, so that they are seen growing. */
export const ALARMING: ReadonlySet<string> = new Set(['Compromised', 'Scanner'])
const FREE = [9, 10, 11, 12] as const

/** `null` = no colour: hatch. The default persona says nothing about who it is, so it is drawn like unknown. */
export function personaColor(name: string): string | null {
  if (name === 'unknown' || name === DEFAULT_PERSONA) return null
  const fixed = FIXED[name]
  return `var(--persona-${fixed === undefined ? FREE[hash(name) % FREE.length] : fixed[0]})`
}

export function monogram(name: string): string {
  const fixed = FIXED[name]
  if (fixed !== undefined) return fixed[1]
  const words = name.split(/[^A-Za-z0-9]+/).filter(Boolean)
  const letters = words.length > 1 ? words[0]!.slice(0, 1) + words[1]!.slice(0, 1) : name.slice(0, 2)
  return letters.toUpperCase()
}

function hash(text: string): number {
  let h = 0
  for (const c of text) h = (h * 31 + c.codePointAt(0)!) >>> 0
  return h
}

export type RiskLevel = 0 | 1 | 2 | 3 | 4
export const RISK_WORDS = ['quiet', 'low', 'raised', 'high', 'critical'] as const

/** Five steps of 0.2; the first two are grey. */
export function riskLevel(value: number): RiskLevel {
  return Math.max(0, Math.min(4, Math.floor(value * 5 + 1e-9))) as RiskLevel
}
