/** Lines of tc (tc(8), -batch), in the agent's own namespace: our ends of workloads' links are there. */
import { command, runStep } from '../step.ts'

/** Only looks. Resolves with stdout. */
export function showTc(lines: readonly string[]): Promise<string> {
  return command('tc', ['-batch', '-'], `${lines.join('\n')}\n`)
}

/** `lenient`: goes on past lines that fail. Throws with tc's own words. */
export async function changeTc(lines: readonly string[], how?: 'lenient'): Promise<void> {
  await runStep({ run: 'tc', lines, ...(how === undefined ? {} : { lenient: true as const }) })
}
