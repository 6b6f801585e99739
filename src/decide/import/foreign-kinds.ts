/** Policies that are written for Kubernetes: which kinds, and of which versions, the import understands. */
export const FOREIGN_KINDS: Readonly<Record<string, readonly string[]>> = {
  NetworkPolicy: ['networking.k8s.io/v1'],
  ClusterNetworkPolicy: ['policy.networking.k8s.io/v1alpha2'],
  AdminNetworkPolicy: ['policy.networking.k8s.io/v1alpha1'],
  BaselineAdminNetworkPolicy: ['policy.networking.k8s.io/v1alpha1'],
}

export function isForeignPolicy(kind: unknown): kind is string {
  return typeof kind === 'string' && Object.hasOwn(FOREIGN_KINDS, kind)
}
