/** What the editors ask the API. */
import { useQuery } from '@tanstack/react-query'
import type { ManifestPreview, ManifestVersion, PolicyState, ResolvedPolicy } from '../../../src/model/preview.ts'
import { ask, get } from '../api/client.ts'
import { keys } from '../api/queries.ts'
import type { ManifestRecord, Page } from '../nouns.ts'
import type { Schema } from './schema-words.ts'

/** Where manifests of a kind are: `/v1/policies`. */
export type Shelf = 'policies' | 'personas'
export const KIND_OF = { policies: 'Policy', personas: 'Persona' } as const satisfies Record<Shelf, string>

export const shelfKey = (shelf: Shelf) => (shelf === 'personas' ? keys.personas : ['policies'])
const at = (shelf: Shelf, id: string) => `/v1/${shelf}/${encodeURIComponent(id)}`

export function usePolicies() {
  return useQuery({
    queryKey: shelfKey('policies'),
    queryFn: async ({ signal }) => (await get<Page<ManifestRecord>>('/v1/policies?limit=1000', signal)).items,
  })
}
export function usePolicyStates() {
  return useQuery({
    queryKey: [...shelfKey('policies'), 'states'],
    queryFn: async ({ signal }) => (await get<Page<PolicyState>>('/v1/policy-states', signal)).items,
    refetchInterval: 30_000,
  })
}
export function useManifest(shelf: Shelf, id: string | null) {
  return useQuery({
    queryKey: [...shelfKey(shelf), 'one', id],
    queryFn: ({ signal }) => get<ManifestRecord>(at(shelf, id ?? ''), signal),
    enabled: id !== null,
  })
}
export function useVersions(shelf: Shelf, id: string) {
  return useQuery({
    queryKey: [...shelfKey(shelf), 'versions', id],
    queryFn: async ({ signal }) => (await get<Page<ManifestVersion>>(`${at(shelf, id)}/versions`, signal)).items,
  })
}
export function useResolved(id: string) {
  return useQuery({
    queryKey: [...shelfKey('policies'), 'resolved', id],
    queryFn: ({ signal }) => get<ResolvedPolicy>(`${at('policies', id)}/resolve`, signal),
    refetchInterval: 30_000,
  })
}
/** Names alone are asked for: a value never comes out. */
export const secretsKey = ['secrets']
export function useSecretNames(asks: 'asks' | 'rests') {
  return useQuery({
    queryKey: [...secretsKey, 'names'],
    queryFn: async ({ signal }) =>
      (await get<Page<{ readonly name: string }>>('/v1/secrets', signal)).items.map(({ name }) => name),
    enabled: asks === 'asks',
  })
}
export function useSchema(kind: string) {
  return useQuery({
    queryKey: ['schema', kind],
    queryFn: ({ signal }) => get<Schema>(`/v1/schemas/${kind}`, signal),
    staleTime: Infinity,
  })
}
/** The text as a JSON string: the server reads it as YAML. The last answer stays until there is another. */
export function usePreview(text: string, workload: string | null) {
  return useQuery({
    queryKey: ['preview', text, workload],
    queryFn: ({ signal }) =>
      ask<ManifestPreview>(
        `/v1/manifests/preview${workload === null ? '' : `?workload=${encodeURIComponent(workload)}`}`,
        text,
        signal,
      ),
    placeholderData: (previous) => previous,
    staleTime: 15_000,
    gcTime: 60_000,
  })
}
