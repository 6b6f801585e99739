/** Who it spoke with, what the rules in force make of that, and which rule. */
import { t } from 'i18next'
import { Link } from 'react-router'
import type { ConversationRow } from '../../api/queries.ts'
import { bytes, count } from '../../format.ts'
import { Ago, VerdictMark } from '../../parts/marks.tsx'
import { PlainTable } from '../../parts/plain-table.tsx'
import { Empty } from '../../parts/states.tsx'
import { paths, query } from '../../paths.ts'
import { sentence, shortReason } from '../../sentence.ts'
import { portWord, serviceWord } from '../../service.ts'
import { flowKey } from './rules-words.ts'

type Props = { readonly id: string; readonly rows: readonly ConversationRow[]; readonly most?: number }

export function Conversations({ id, rows, most }: Props) {
  const sorted = [...rows].sort((a, b) => rank(b) - rank(a) || b.bytesOut + b.bytesIn - (a.bytesOut + a.bytesIn))
  const shown = most === undefined ? sorted : sorted.slice(0, most)
  if (rows.length === 0) return <Empty title={t('conversation.none')} />
  return (
    <>
      <div className="scroll-x wide">
        <PlainTable
          className="conversations"
          rows={shown}
          keyOf={keyOf}
          columns={[
            { title: t('conversation.peer'), cell: (row) => <Peer row={row} /> },
            { title: t('conversation.service'), width: 84, look: 'nw', cell: (row) => <Service row={row} /> },
            { title: t('conversation.flows'), width: 64, num: true, cell: (row) => <Flows row={row} /> },
            { title: t('conversation.bytes'), width: 84, num: true, look: 'nw', cell: volume },
            {
              title: t('conversation.verdict'),
              width: 104,
              cell: (row) => <VerdictMark verdict={row.verdict ?? 'unjudged'} />,
            },
            { title: t('conversation.because'), width: '30%', cell: (row) => <Because id={id} row={row} /> },
            {
              title: t('conversation.last'),
              width: 68,
              num: true,
              look: 'qq nw',
              cell: (row) => <Ago at={row.last} />,
            },
          ]}
        />
      </div>
      <ul className="conversation-list narrow">
        {shown.map((row) => (
          <li key={keyOf(row)}>
            <Link to={whyLink(id, row)}>
              <span className="l1">
                <b className="name cut">{row.peerName ?? row.peer}</b>
                <VerdictMark verdict={row.verdict ?? 'unjudged'} />
              </span>
              <span className="l2 qq">
                <span>{[serviceName(row), portWord(row)].filter(Boolean).join(', ')}</span>
                <span className="n">{volume(row)}</span>
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </>
  )
}

const keyOf = (row: ConversationRow) => `${flowKey(row)} ${row.start}`

/** What is cut comes first: that is what someone is here for. */
function rank(row: ConversationRow): number {
  return row.verdict === 'deny' ? 2 : row.verdict === 'would-deny' ? 1 : 0
}

function whyLink(id: string, row: ConversationRow): string {
  return `${paths.workload(id)}${query({ why: flowKey(row) })}`
}

function Peer({ row }: { readonly row: ConversationRow }) {
  const named = row.peerName !== undefined && row.peerName !== null
  return (
    <>
      {named ? (
        <span className="name cut block">{row.peerName}</span>
      ) : (
        <span className="mono cut block">{row.peer}</span>
      )}
      <span className="sub">
        {named ? row.peer : t(row.direction === 'initiated' ? 'conversation.initiated' : 'conversation.served')}
      </span>
    </>
  )
}

function Service({ row }: { readonly row: ConversationRow }) {
  const name = serviceName(row)
  if (name === null) return portWord(row)
  return (
    <>
      {name}
      <span className="sub n">{portWord(row)}</span>
    </>
  )
}

function Flows({ row }: { readonly row: ConversationRow }) {
  return (
    <>
      {count(row.flows)}
      {row.failed > 0 ? <span className="sub">{t('conversation.failed', { count: row.failed })}</span> : null}
    </>
  )
}

function Because({ id, row }: { readonly id: string; readonly row: ConversationRow }) {
  return (
    <Link
      className="link quiet-link two-lines"
      to={whyLink(id, row)}
      title={row.why === undefined ? undefined : sentence(row.why.text)}
    >
      {row.why === undefined ? t('conversation.noReason') : shortReason(row.why.text)}
    </Link>
  )
}

const serviceName = (row: ConversationRow) => (row.service === null ? null : serviceWord(row.service))

function volume(row: ConversationRow): string {
  const [up, down] = [row.bytesOut, row.bytesIn]
  if (up > down * 3) return `↑ ${bytes(up)}`
  return down > up * 3 ? `↓ ${bytes(down)}` : `↕ ${bytes(up + down)}`
}
