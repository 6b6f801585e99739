/** Files and folders to one set of manifests, checked here; every problem at its file, line and column. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type ManifestProblem, parseManifests, problemText } from '../decide/manifest.ts'
import { checkSet } from '../decide/manifest-checks.ts'
import type { Manifest } from '../model/manifest.ts'
import { CliError } from './client.ts'

export type ManifestFiles = {
  readonly manifests: readonly Manifest[]
  readonly problems: readonly ManifestProblem[]
  /** References that lead nowhere within the set, and the like. */
  readonly warnings: readonly ManifestProblem[]
  /** `file:line:column` of a path in the manifest of that index. */
  where(index: number, path: readonly (string | number)[]): string
}

/** `known`: names of personas that exist beside the set. */
export function readManifestFiles(paths: readonly string[], known: readonly string[] = []): ManifestFiles {
  const parsed = readTexts(paths).map(({ file, text }) => ({ file, found: parseManifests(text, { file }) }))
  const all = parsed.flatMap(({ file, found }) =>
    found.ok ? found.value.map((manifest, i) => ({ manifest, file, place: found.places[i]! })) : [],
  )
  const manifests = all.map((one) => one.manifest)
  const set = checkSet(manifests, known)
  const placed = (findings: typeof set.problems) =>
    findings.map(({ index, code, path, why, cure }) => {
      const { file, place } = all[index]!
      return { code, file, ...place(path), path, why, cure }
    })
  return {
    manifests,
    problems: [...parsed.flatMap(({ found }) => (found.ok ? [] : found.problems)), ...placed(set.problems)],
    warnings: placed(set.warnings),
    where(index, path) {
      const one = all[index]
      if (one === undefined) return ''
      const { line, column } = one.place(path)
      return `${one.file}:${line}:${column}`
    },
  }
}

export function readTexts(paths: readonly string[]): { readonly file: string; readonly text: string }[] {
  return [...new Set(paths.flatMap(filesOf))].map((file) => ({ file, text: read(file) }))
}

export function refuseProblems({ problems }: ManifestFiles): void {
  if (problems.length === 0) return
  const text = problems.map(problemText).join('\n')
  throw new CliError(`${counted(problems.length, 'problem')}; nothing was applied.\n${text}`, 1, { problems })
}

/** The pointers of a server's refusal (`/3/spec/rules/0`), as places in the files they came from. */
export function atPlaces(error: unknown, files: ManifestFiles): unknown {
  if (!(error instanceof CliError) || error.problem === null || typeof error.problem !== 'object') return error
  const problem = error.problem as { detail?: string; cure?: string; errors?: { pointer: string; message: string }[] }
  if (problem.errors === undefined) return error
  const errors = problem.errors.map((fault) => {
    const [index, ...path] = fault.pointer.split('/').slice(1).map(stepOf)
    return typeof index === 'number'
      ? { ...fault, where: files.where(index, path) }
      : { ...fault, where: fault.pointer }
  })
  const lines = errors.map(({ where, message }) => `${where}: ${message}`)
  return new CliError([`${problem.detail ?? ''} ${problem.cure ?? ''}`.trim(), ...lines].join('\n'), error.exitCode, {
    ...problem,
    errors,
  })
}

function stepOf(text: string): string | number {
  return /^\d+$/.test(text) ? Number(text) : text.replaceAll('~1', '/').replaceAll('~0', '~')
}

export function counted(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

function filesOf(path: string): string[] {
  if (path === '-') return ['-']
  let found: string[]
  try {
    if (!statSync(path).isDirectory()) return [path]
    found = readdirSync(path)
      .filter((name) => /\.(ya?ml|json)$/.test(name))
      .sort()
      .map((name) => join(path, name))
  } catch {
    throw new CliError(`${path} cannot be read. Name a file or folder that exists.`, 1)
  }
  if (found.length === 0)
    throw new CliError(`${path} holds no manifests. Name a folder with .yaml, .yml or .json files.`, 1)
  return found
}

function read(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8')
  } catch {
    throw new CliError(`${path} cannot be read. Check that it exists and that you may read it.`, 1)
  }
}
