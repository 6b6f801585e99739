/** Where a lab is and who may make one: said once for up, down, status and attack. */
export const LAB_PREFIX = 'guise'
export const labDirectory = () => process.env.GUISE_LAB_DIR ?? '/run/guise-lab'

/** A refusal a person reads: the fact, then the cure. */
export class LabError extends Error {}

export function requireRoot(what: string): void {
  if (process.platform !== 'linux')
    throw new LabError(`${what} needs Linux namespaces. Use the committed recording instead: npm start without root`)
  if (process.getuid?.() !== 0)
    throw new LabError(
      `${what} needs root, to make network namespaces. Run it again as root, or npm start as you are to replay the recording`,
    )
}
