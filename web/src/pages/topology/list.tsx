/** The same paths as rows: for the keyboard, for a screen reader, for export, and for fleets no picture can hold. */
import { t } from 'i18next'
import { useMemo } from 'react'
import type { Topology, TopologyEdge } from '../../../../src/model/topology.ts'
import { bytes, count } from '../../format.ts'
import { useAddress } from '../../parts/address.ts'
import { type Column, parseSort, sortRows } from '../../parts/columns.ts'
import { DataTable } from '../../parts/data-table.tsx'
import { Swatch, VerdictMark } from '../../parts/marks.tsx'
import { endName } from './chosen.ts'
import { countOf, rankEdge, verdictOf } from './differs.ts'
import { Signs, serviceName } from './panel.tsx'

export const LIST_SORT = '-differs'

type Props = {
  readonly topology: Topology
  readonly selected: string
  readonly onSelect: (id: string) => void
}

export function useListRows(topology: Topology) {
  const address = useAddress()
  const columns = useMemo(() => listColumns(topology), [topology])
  const asked = address.get('s')
  const sort = useMemo(() => parseSort(asked || null, columns, LIST_SORT), [asked, columns])
  const rows = useMemo(() => sortRows(topology.edges, columns, sort), [topology, columns, sort])
  return { columns, rows, sort, setSort: (text: string) => address.set({ s: text === LIST_SORT ? '' : text }) }
}

export function TopologyList({ topology, selected, onSelect }: Props) {
  const { columns, rows, sort, setSort } = useListRows(topology)
  return (
    <DataTable
      label={t('topology.list.label')}
      rows={rows}
      columns={columns}
      sort={sort}
      onSort={setSort}
      opens={{ kind: 'peek', selected, select: onSelect }}
      rowHeight={36}
      minWidth={800}
      lines={(edge) => (
        <>
          <span className="l1">
            <b className="name cut">
              {endName(topology, edge.from)} → {endName(topology, edge.to)}
            </b>
            <span className="n nw">{bytes(edge.bytes)}</span>
          </span>
          <span className="l2">
            <Signs edge={edge} />
          </span>
        </>
      )}
    />
  )
}

function listColumns(topology: Topology): readonly Column<TopologyEdge>[] {
  const nodes = new Map(topology.nodes.map((node) => [node.id, node]))
  const persona = (id: string) => nodes.get(id)?.persona ?? null
  const end = (id: string) => (
    <span className="persona">
      {nodes.get(id)?.kind === 'outside' || nodes.get(id)?.kind === 'segment' ? null : (
        <Swatch name={persona(id) ?? 'unknown'} />
      )}
      <span className="cut">{endName(topology, id)}</span>
    </span>
  )
  return [
    {
      name: 'from',
      title: t('topology.list.from'),
      cell: (e) => end(e.from),
      value: (e) => endName(topology, e.from),
      width: 134,
    },
    {
      name: 'to',
      title: t('topology.list.to'),
      cell: (e) => end(e.to),
      value: (e) => endName(topology, e.to),
    },
    {
      name: 'verdict',
      title: t('topology.list.verdict'),
      cell: (e) => {
        const verdict = verdictOf(e.verdicts)
        return (
          <VerdictMark verdict={verdict} word={`${t(`verdict.${verdict}`)} ${count(countOf(e.verdicts, verdict))}`} />
        )
      },
      value: (e) => verdictOf(e.verdicts),
      width: 130,
    },
    {
      name: 'differs',
      title: t('topology.list.evidence'),
      cell: (e) => <span className="q">{differsBy(e)}</span>,
      value: (e) => rankEdge(e) * 1e15 + Math.min(e.bytes, 1e15),
      width: 82,
    },
    {
      name: 'services',
      title: t('topology.list.services'),
      cell: (e) => <span className="q cut">{e.services.slice(0, 2).map(serviceName).join(', ')}</span>,
      value: (e) => e.services.map(serviceName).join(' '),
      width: 134,
    },
    {
      name: 'flows',
      title: t('topology.list.flows'),
      cell: (e) => count(e.flows),
      value: (e) => e.flows,
      width: 70,
      num: true,
    },
    {
      name: 'failed',
      title: t('topology.list.failed'),
      cell: (e) => count(e.failed),
      value: (e) => e.failed,
      width: 56,
      num: true,
    },
    {
      name: 'bytes',
      title: t('topology.list.bytes'),
      cell: (e) => bytes(e.bytes),
      value: (e) => e.bytes,
      width: 88,
      num: true,
    },
  ]
}

function differsBy(edge: TopologyEdge): string {
  return [edge.fresh ? t('topology.mark.fresh') : '', edge.evidence === null ? '' : t('topology.mark.evidence')]
    .filter(Boolean)
    .join(', ')
}
