/** The machines of an agent's host, and what was asked of them from here; an order that waits shows how to approve it. */
import { t } from 'i18next'
import type { MachineOrderRecord, MachineReport } from '../../../../src/model/machine-order.ts'
import { useMachines } from '../../api/queries.ts'
import { Ago } from '../../parts/marks.tsx'
import { Block, Facts } from '../../parts/peek.tsx'
import { CopyCommand } from '../../parts/states.tsx'
import { personName } from '../../person.ts'

const SHOWN = 5

export function Machines({ agent }: { readonly agent: string }) {
  const found = useMachines(agent).data
  // Most hosts have none, and say nothing of it.
  if (found === undefined || found.machines.length + found.orders.length === 0) return null
  const waiting = found.orders.find(({ state }) => state === 'waits')
  return (
    <Block title={t('agents.machines.title')}>
      <Facts rows={Object.fromEntries(found.machines.map((one) => [one.name, machineWords(one)]))} />
      {found.orders.slice(0, SHOWN).map((order) => (
        <p key={order.id} className="q" style={{ margin: '8px 0 0' }}>
          {orderWords(order)}
          <span className="sub">
            {order.why} · <Ago at={order.at} />
          </span>
        </p>
      ))}
      {waiting === undefined ? null : (
        <CopyCommand command={`bin/guise machine approve ${waiting.id} --agent ${agent}`} />
      )}
    </Block>
  )
}

function machineWords({ power, cpus, memoryMb, keeper }: MachineReport): string {
  return t(`agents.machines.${power}`, {
    cpus: t('agents.machines.cpus', { count: cpus }),
    memory: memoryMb,
    keeper: t(`agents.machines.keeper.${keeper}`),
  })
}

function orderWords({ act, machine, by, state }: MachineOrderRecord): string {
  return t('agents.machines.order', {
    act: t(`agents.machines.act.${act.do}`, { machine }),
    by: personName(by),
    state: t(`agents.machines.state.${state}`),
  })
}
