/** Asks before a policy is deleted: whose rules change, what would be let through, which plan it becomes. */
import { t } from 'i18next'
import { remove } from '../../api/client.ts'
import { usePreview } from '../../editor/questions.ts'
import { toYaml } from '../../editor/to-yaml.ts'
import { count } from '../../format.ts'
import type { ManifestRecord } from '../../nouns.ts'
import ConfirmDialog from '../../parts/confirm-dialog.tsx'
import { SkeletonRows } from '../../parts/states.tsx'
import { say } from '../../parts/toast.tsx'

export default function DeleteDialog({
  record,
  hindrance,
  onClose,
  onDeleted,
}: {
  readonly record: ManifestRecord
  readonly hindrance: string | null
  readonly onClose: () => void
  readonly onDeleted: () => void
}) {
  const { manifest, id, version } = record
  const { name } = manifest.metadata
  // Switched off it does what it does when it is gone: nothing.
  const off =
    manifest.kind === 'Policy' ? { ...manifest, spec: { ...manifest.spec, mode: 'off', tests: undefined } } : manifest
  const { data } = usePreview(toYaml(off), null)
  return (
    <ConfirmDialog
      title={t('policies.removeTitle', { name })}
      verb={t('policies.removeVerb')}
      hindrance={hindrance}
      onClose={onClose}
      act={async () => {
        await remove(`/v1/policies/${encodeURIComponent(id)}`, version)
        say(t('policies.removed', { name }))
        onDeleted()
      }}
    >
      <p>{t('policies.removeWhat')}</p>
      {data === undefined ? (
        <SkeletonRows rows={1} height={20} />
      ) : (
        <p>
          {data.affected === null || data.affected.changed === 0
            ? t('policies.removeNone')
            : t('policies.removeChange', { count: data.affected.changed, n: count(data.affected.changed) })}{' '}
          {data.replay === null || data.replay.allowed === 0
            ? ''
            : t('policies.removeAllows', { count: data.replay.allowed, n: count(data.replay.allowed) })}{' '}
          {data.plan === null ? '' : t(`policies.removePlan.${data.plan.approval}`)}
        </p>
      )}
    </ConfirmDialog>
  )
}
