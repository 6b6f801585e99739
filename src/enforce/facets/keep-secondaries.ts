import { effect } from '../fault.ts'
import { inside } from '../step.ts'

/** Else the kernel deletes every secondary address together with the primary one, and the routes with them (ip-sysctl.rst). */
export async function keepSecondaries(namespace: string | null): Promise<void> {
  await effect('sysctl', () => inside(namespace, 'sysctl', ['-qw', 'net.ipv4.conf.all.promote_secondaries=1']))
}
