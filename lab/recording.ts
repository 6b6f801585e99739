/** The committed run of the lab (`record.ts` made it), for whoever has no root: who was there, and the flows as a Zeek log. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { WorkloadReport } from '../src/model/wire.ts'

export const RECORDING_DIR = fileURLToPath(new URL('recording', import.meta.url))

export type LabRecording = {
  readonly inventory: readonly WorkloadReport[]
  /** Zeek conn logs, for `createFileSource`. */
  readonly paths: readonly string[]
  /** What each workload really was. */
  readonly truth: Readonly<Record<string, string>>
}

export function readRecording(dir = RECORDING_DIR): LabRecording {
  const json = (file: string) => JSON.parse(readFileSync(`${dir}/${file}`, 'utf8'))
  return {
    inventory: json('inventory.json') as WorkloadReport[],
    paths: [`${dir}/conn.log.gz`],
    truth: (json('truth.json') as { personas: Record<string, string> }).personas,
  }
}
