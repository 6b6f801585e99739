/**
 * Selectors of Kubernetes as queries over a workload's labels. Pod labels are the workload's own; the namespace it is in is
 * its label `namespace`, and the labels of that namespace are its labels `namespace/KEY`. So a query asks one map.
 */
import type { LabelExpression } from '../../model/policy.ts'
import type { LabelQuery } from '../label-match.ts'
import type { KubeSelector } from './kube-schemas.ts'

export const NAMESPACE_LABEL = 'namespace'
const MAX_KEY = 63
/** Kubernetes sets it on every namespace, to its name. */
const NAME_OF_NAMESPACE = 'kubernetes.io/metadata.name'

export type Path = readonly (string | number)[]
export type Importing = {
  /** `file:line` of a path in the object. */
  origin(path: Path): string
  problem(path: Path, why: string, cure: string): void
  note(path: Path, text: string): void
}

export function namespaceKey(key: string): string {
  return key === NAME_OF_NAMESPACE ? NAMESPACE_LABEL : `${NAMESPACE_LABEL}/${key}`
}

/** Pods of these namespaces; an empty selector is every namespace, and only what has one. */
export function podsOf(namespaces: LabelQuery, pods: LabelQuery): LabelQuery {
  const labels = { ...namespaces.labels, ...pods.labels }
  const expressions = [...(namespaces.matchExpressions ?? []), ...(pods.matchExpressions ?? [])]
  const isPlaced =
    NAMESPACE_LABEL in labels ||
    Object.keys(labels).some((key) => key.startsWith(`${NAMESPACE_LABEL}/`)) ||
    expressions.some(
      ({ key, operator }) =>
        (key === NAMESPACE_LABEL || key.startsWith(`${NAMESPACE_LABEL}/`)) &&
        (operator === 'In' || operator === 'Exists'),
    )
  // Of "not in", a workload without any namespace would be one as well.
  if (!isPlaced) expressions.push({ key: NAMESPACE_LABEL, operator: 'Exists' })
  return {
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(expressions.length === 0 ? {} : { matchExpressions: expressions }),
  }
}

export function namespaceQuery(selector: KubeSelector | undefined, path: Path, at: Importing): LabelQuery {
  return queryOf(selector, path, at, namespaceKey)
}

export function podQuery(selector: KubeSelector | undefined, path: Path, at: Importing): LabelQuery {
  return queryOf(selector, path, at, (key, where) => {
    if (key === NAMESPACE_LABEL || key.startsWith(`${NAMESPACE_LABEL}/`) || key.startsWith('port/'))
      at.problem(
        where,
        `the pod label ${key} means something of its own here: namespace, namespace/KEY and port/NAME say where a workload is and how its ports are called`,
        'select by another label',
      )
    return key
  })
}

function queryOf(
  { matchLabels = {}, matchExpressions = [] }: KubeSelector = {},
  path: Path,
  at: Importing,
  keyOf: (key: string, where: Path) => string,
): LabelQuery {
  const mapped = (key: string, where: Path): string => {
    const found = keyOf(key, where)
    if (found.length > MAX_KEY)
      at.problem(where, `the label ${found} is longer than ${MAX_KEY} characters`, 'select by a shorter label')
    return found
  }
  const labels = Object.fromEntries(
    Object.entries(matchLabels).map(([key, value]) => [mapped(key, [...path, 'matchLabels', key]), value]),
  )
  const expressions = matchExpressions.map((one, i): LabelExpression => {
    const where = [...path, 'matchExpressions', i]
    const takes = one.operator === 'In' || one.operator === 'NotIn'
    const values = one.values ?? []
    if (takes && values.length === 0) at.problem(where, `${one.operator} does not say which values`, 'add values')
    if (!takes && values.length > 0) at.problem(where, `${one.operator} takes no values`, 'leave values out')
    return { key: mapped(one.key, where), operator: one.operator, ...(takes ? { values: [...values] } : {}) }
  })
  return {
    ...(Object.keys(labels).length === 0 ? {} : { labels }),
    ...(expressions.length === 0 ? {} : { matchExpressions: expressions }),
  }
}
