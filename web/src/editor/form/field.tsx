/** One place of the document as a control, whatever its schema says it is; lists and maps hold more of the same. */
import { t } from 'i18next'
import type { ReactNode } from 'react'
import type { FieldProps } from './edits.ts'
import { List } from './list.tsx'
import { Group } from './map.tsx'
import { Names } from './names.tsx'
import { OneOf } from './one-of.tsx'
import { controlOf } from './shape.ts'
import { Single } from './single.tsx'

export function Field(props: FieldProps): ReactNode {
  const control = controlOf(props.schema)
  switch (control.is) {
    case 'list':
      return <List {...props} control={control} />
    case 'map':
      return <Group {...props} control={control} />
    case 'labels':
      return <Names {...props} />
    case 'oneOf':
      return <OneOf {...props} control={control} />
    case 'free':
      return <p className="sub form-free">{t('form.free')}</p>
    default:
      return <Single {...props} control={control} />
  }
}
