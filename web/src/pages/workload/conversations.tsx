/** Who it spoke with, what the rules in force make of that, and which rule. */
import { t } from 'i18next'
import { Link } from 'react-router'
import type { ConversationRow } from '../../api/queries.ts'
import { bytes, count } from '../../format.ts'
import { Ago, VerdictMark } from '../../parts/marks.tsx'
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
        <table className="conversations">
          <colgroup>
            <col />
            <col style={{ width: 84 }} />
            <col style={{ width: 64 }} />
            <col style={{ width: 84 }} />
            <col style={{ width: 104 }} />
            <col style={{ width: '30%' }} />
            <col style={{ width: 68 }} />
          </colgroup>
          <thead>
            <tr>
              <th scope="col">{t('conversation.peer')}</th>
              <th scope="col">{t('conversation.service')}</th>
              <th scope="col" className="num">
                {t('conversation.flows')}
              </th>
              <th scope="col" className="num">
                {t('conversation.bytes')}
              </th>
              <th scope="col">{t('conversation.verdict')}</th>
              <th scope="col">{t('conversation.because')}</th>
              <th scope="col" className="num">
                {t('conversation.last')}
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={`${flowKey(row)} ${row.start}`}>
                <td>
                  <Peer row={row} />
                </td>
                <td className="nw">
                  {serviceName(row) ?? portWord(row)}
                  {serviceName(row) === null ? null : <span className="sub n">{portWord(row)}</span>}
                </td>
                <td className="num">
                  {count(row.flows)}
                  {row.failed > 0 ? (
                    <span className="sub">{t('conversation.failed', { count: row.failed })}</span>
                  ) : null}
                </td>
                <td className="num nw">{volume(row)}</td>
                <td>
                  <VerdictMark verdict={row.verdict ?? 'unjudged'} />
                </td>
                <td>
                  <Link
                    className="link quiet-link two-lines"
                    to={whyLink(id, row)}
                    title={row.why === undefined ? undefined : sentence(row.why.text)}
                  >
                    {row.why === undefined ? t('conversation.noReason') : shortReason(row.why.text)}
                  </Link>
                </td>
                <td className="num qq nw">
                  <Ago at={row.last} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <ul className="conversation-list narrow">
        {shown.map((row) => (
          <li key={`${flowKey(row)} ${row.start}`}>
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

const serviceName = (row: ConversationRow) => (row.service === null ? null : serviceWord(row.service))

function volume(row: ConversationRow): string {
  const [up, down] = [row.bytesOut, row.bytesIn]
  if (up > down * 3) return `↑ ${bytes(up)}`
  return down > up * 3 ? `↓ ${bytes(down)}` : `↕ ${bytes(up + down)}`
}
