/** Facets that the text does not have yet, each put in by a click; the cursor goes to it. */
import { t } from 'i18next'
import { Menu } from '../parts/menu.tsx'
import { addFacet, BESIDE, SNIPPETS } from './facet-snippets.ts'

export default function FacetMenu(props: {
  readonly text: string
  /** The first secret there is, for those that need one. */
  readonly secret: string
  readonly onAdd: (text: string, line: number) => void
}) {
  const { text, secret, onAdd } = props
  const offers = [...Object.keys(SNIPPETS), ...Object.keys(BESIDE)].flatMap((facet) => {
    const added = addFacet(text, facet, secret)
    return added === null ? [] : [{ facet, added }]
  })
  if (offers.length === 0) return null
  return (
    <Menu label={t('editor.addFacet')} icon="more">
      {(close) =>
        offers.map(({ facet, added }) => (
          <button
            key={facet}
            type="button"
            onClick={() => {
              close()
              onAdd(added.text, added.line)
            }}
          >
            {t(`editor.facet.${facet}` as 'editor.facet.vpn')}
          </button>
        ))
      }
    </Menu>
  )
}
