/** What a machine is: its definition, which is a file, and the arguments that QEMU gets for it. Nothing of it is text of a shell. */
import { type Static, Type } from 'typebox'
import { Compile } from 'typebox/compile'

const closed = { additionalProperties: false } as const
const Path = Type.String({ pattern: '^/[A-Za-z0-9_./@+-]{1,400}$' })

export const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const Boot = Type.Union([
  /** `append` is of the kernel's command line; a comma would begin another option of QEMU's. */
  Type.Object(
    {
      from: Type.Literal('kernel'),
      kernel: Path,
      initrd: Path,
      append: Type.String({ maxLength: 500, pattern: '^[A-Za-z0-9 ._=/:-]*$' }),
    },
    closed,
  ),
  /** A qcow2 of the machine's own; see clone.ts for what it may stand on. */
  Type.Object({ from: Type.Literal('disk') }, closed),
])

export const Machine = Type.Object(
  {
    /** The machine, whatever it is called and wherever it runs. */
    uuid: Type.String({ pattern: UUID.source }),
    name: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,64}$' }),
    boot: Boot,
    memoryMb: Type.Integer({ minimum: 32, maximum: 1_048_576 }),
    cpus: Type.Integer({ minimum: 1, maximum: 64 }),
    /** The tap on our end of its link. */
    face: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,15}$' }),
    /** Our addresses on it: its gateways. */
    gateways: Type.Array(Type.String({ pattern: '^[0-9A-Fa-f.:]{2,45}/\\d{1,3}$' }), { maxItems: 4 }),
    /** What it is reached by while no persona gives it addresses. Declared: a guest would claim any. */
    addresses: Type.Array(Type.String({ pattern: '^[0-9A-Fa-f.:]{2,45}$' }), { maxItems: 16 }),
    mac: Type.String({ pattern: '^52:54:00(:[0-9a-f]{2}){3}$' }),
    /** `probe`: KVM where this guest is seen to start under it, else full emulation. */
    accelerator: Type.Union([Type.Literal('probe'), Type.Literal('tcg')]),
    /** How what a persona says of its inside gets there: by its agent, the usual way, or by DHCP alone. */
    settings: Type.Optional(Type.Enum(['agent', 'dhcp'])),
    clonedFrom: Type.Union([Type.Null(), Type.String({ pattern: UUID.source })]),
  },
  closed,
)
export type Machine = Static<typeof Machine>
const isMachine = Compile(Machine)

/** Throws a sentence: what is wrong with it. */
export function machineFrom(value: unknown, where: string): Machine {
  if (isMachine.Check(value)) return value
  const [error] = isMachine.Errors(value)
  throw new Error(`${where} is no machine: ${error?.instancePath ?? ''} ${error?.message ?? ''}`)
}

export type Accelerator = 'kvm' | 'tcg'
export type Sockets = {
  readonly monitor: string
  readonly agent: string
}

/** Where a running machine is reached; below /run, because it ends with this boot. */
export function socketsOf(uuid: string): Sockets {
  if (!UUID.test(uuid)) throw new Error(`not the uuid of a machine: ${JSON.stringify(uuid)}`)
  const folder = `/run/guise/machines/${uuid}`
  return {
    monitor: `${folder}/monitor.sock`,
    agent: `${folder}/agent.sock`,
  }
}

/** `incoming`: it waits, stopped, for the memory of another one on that socket. */
export function qemuArguments(
  machine: Machine,
  accelerator: Accelerator,
  options: { readonly disk: string | null; readonly incoming: string | null },
): string[] {
  const sockets = socketsOf(machine.uuid)
  const { boot } = machine
  return [
    ...['-name', machine.name, '-uuid', machine.uuid, '-nodefaults', '-display', 'none', '-no-reboot'],
    // Whoever breaks out of the guest into QEMU can start nothing and become nobody else (qemu(1), -sandbox).
    ...['-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'],
    ...['-machine', 'pc', '-m', `${machine.memoryMb}`, '-smp', `${machine.cpus}`],
    ...['-accel', accelerator === 'tcg' ? 'tcg,thread=multi' : 'kvm', '-cpu', accelerator === 'tcg' ? 'max' : 'host'],
    ...(boot.from === 'kernel' ? ['-kernel', boot.kernel, '-initrd', boot.initrd, '-append', boot.append] : []),
    ...(options.disk === null ? [] : ['-drive', `file=${options.disk},if=virtio,format=qcow2,id=disk0,discard=unmap`]),
    ...['-netdev', `tap,id=net0,ifname=${machine.face},script=no,downscript=no`],
    ...['-device', `virtio-net-pci,netdev=net0,id=nic0,mac=${machine.mac},romfile=`],
    ...['-device', 'virtio-serial-pci', '-device', 'virtio-balloon-pci,id=balloon0', '-device', 'virtio-rng-pci'],
    ...['-chardev', `socket,id=agent,path=${sockets.agent},server=on,wait=off`],
    ...['-device', 'virtserialport,chardev=agent,name=org.qemu.guest_agent.0'],
    // A guest that writes without end must not fill a disk: its console is a ring (QEMU QAPI, ChardevRingbuf).
    ...['-chardev', 'ringbuf,id=console,size=65536', '-serial', 'chardev:console'],
    ...['-qmp', `unix:${sockets.monitor},server=on,wait=off`],
    ...(options.incoming === null ? [] : ['-S', '-incoming', `unix:${options.incoming}`]),
  ]
}
