/**
 * Every page of the console, once: where it is, what is on it when it is full, empty, failing. A page is done when it
 * stands here; looks.test.ts draws and checks each state of it, keyboard.test.ts walks through it without a mouse.
 */
import type { Page } from 'playwright-core'

export type PageUnderTest = {
  /** of its pictures: `fleet` → test-output/screens/fleet-1440-light.png, fleet-empty-390-dark.png */
  readonly name: string
  readonly path: string
  /** visible text when it is full */
  readonly ready: string | RegExp
  /** visible text against a server that knows nothing (`startFixture({ size: 0 })`); null: the page is never empty */
  readonly empty: string | RegExp | null
  /** the path of the API without which it has nothing to show; its error and loading states are looked at with it */
  readonly asks: string | null
  /** rows that can be walked with the keyboard, and what opening one shows; null: no table */
  readonly walk: { readonly table: string; readonly opens: 'page' | 'peek' } | null
  /** further states of its own: a filter without a match, a tab, an open dialog */
  readonly also?: readonly PageState[]
}

export type PageState = {
  readonly name: string
  readonly path: string
  readonly ready: string | RegExp
  /** what a person does first */
  readonly act?: (page: Page) => Promise<void>
}

const openPlan = async (page: Page) => {
  await page.getByRole('button', { name: /Confirm plan/ }).click()
  await page.getByRole('dialog').getByText('The timer runs on rack2-h04').waitFor()
}
const openDrift = async (page: Page) => {
  await page.getByRole('region', { name: 'Drift' }).getByRole('button', { name: 'View as table' }).click()
  await page.getByRole('row', { name: /^bytes to outside/ }).waitFor()
  await page.getByRole('region', { name: 'What it uses' }).getByRole('button', { name: 'View as table' }).click()
  await page.getByRole('row', { name: /^queue drops/ }).waitFor()
  await page.getByRole('button', { name: 'All 11 features' }).click()
  await page.getByText('DNS, of the flows it served').waitFor()
}
const openShift = async (page: Page) => {
  await page.getByRole('button', { name: 'Shift…' }).click()
  await page.getByRole('dialog').getByLabel('To persona').waitFor()
}
const openKeys = async (page: Page) => {
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor()
}
const openPalette = async (page: Page) => {
  await page.getByRole('button', { name: 'Find or do anything' }).locator('visible=true').click()
  await page.getByRole('combobox').fill('etl')
  await page
    .getByRole('option', { name: /etl-worker-07/ })
    .first()
    .waitFor()
}

const writeMistake = async (page: Page) => {
  const editor = page.getByRole('textbox', { name: 'Policy in YAML' })
  const mistake = editor.getByText('mod: enforce')
  // Until it stands there: while the editor is put in the place of the text, what is typed goes nowhere.
  await editor.click()
  await page.keyboard.press('ControlOrMeta+End')
  await page.keyboard.insertText('  mod: enforce')
  await mistake.waitFor({ timeout: 5_000 }).catch(async () => {
    await editor.click()
    await page.keyboard.press('ControlOrMeta+End')
    await page.keyboard.insertText('  mod: enforce')
    await mistake.waitFor()
  })
  await page
    .getByText(/^\d places? (is|are) wrong$/)
    .locator('visible=true')
    .first()
    .waitFor()
  await editor.blur()
}

const openForecast = async (page: Page) => {
  const panel = page.getByRole('region', { name: 'Forecast', exact: true })
  await panel.getByRole('button', { name: '1 h' }).click()
  await panel.getByRole('combobox').selectOption('service:https')
  await panel.getByRole('button', { name: 'View as table' }).click()
  await panel.getByText('nobody looked').first().waitFor()
  await panel.getByText('Why', { exact: true }).click()
}
const openFacets = async (page: Page) => {
  await page.getByRole('button', { name: 'Add a facet' }).click()
  await page.getByRole('button', { name: 'VPN (WireGuard)', exact: true }).waitFor()
}
const openProposal = async (page: Page) => {
  await page.getByText('3 rules that fit').click()
  await page.getByText('4 of 5 workloads, 17 % of the flows').waitFor()
}
const openReliability = async (page: Page) => {
  await page.getByRole('button', { name: 'As a table' }).click()
  await page.getByRole('row', { name: /^0\.9 – 1\.0/ }).waitFor()
}
const openPromote = async (page: Page) => {
  await page.getByRole('listitem').filter({ hasText: 'payments-4' }).getByRole('button', { name: 'Compare' }).click()
  await page.getByRole('dialog').getByText('2 would change their name.').waitFor()
}
const openForm = async (page: Page) => {
  const form = page.getByRole('region', { name: 'As a form' })
  for (const facet of ['VPN (WireGuard)', 'Bounds on what leaves', 'Risk ladder'])
    await form.locator('summary').filter({ hasText: facet }).first().click()
  await form.getByLabel('VPN (WireGuard), private key', { exact: true }).waitFor()
}
const askConfirm = async (page: Page) => {
  await page.getByRole('button', { name: 'Confirm' }).click()
  await page.getByRole('dialog').getByText('It stays in force').waitFor()
}
const askBack = async (page: Page) => {
  await page.getByRole('button', { name: 'Go back…' }).click()
  await page.getByRole('dialog').getByLabel('Reason for the record').waitFor()
}
const verifyChain = async (page: Page) => {
  await page.getByRole('button', { name: 'Verify' }).click()
  await page.getByText(/^Verified: /).waitFor()
}

export const PAGES_UNDER_TEST: readonly PageUnderTest[] = [
  {
    name: 'fleet',
    path: '/fleet',
    ready: 'etl-worker-07',
    empty: 'No agent has reported a workload yet.',
    asks: '/v1/workloads',
    walk: { table: 'Workloads', opens: 'page' },
    also: [{ name: 'no-match', path: '/fleet?q=risk%3E0.9', ready: 'Nothing matches risk>0.9' }],
  },
  {
    name: 'workload',
    path: '/workloads/w_0001',
    ready: 'Reads the payments database',
    empty: null,
    asks: '/v1/workloads/w_0001',
    walk: null,
    also: [
      { name: 'forecast', path: '/workloads/w_0002', ready: /64 % of it is the usual season/, act: openForecast },
      { name: 'rules', path: '/workloads/w_0001/rules', ready: /Counted in the kernel since/ },
      { name: 'drift', path: '/workloads/w_0001?span=15m', ready: /It is unlike itself since/, act: openDrift },
      { name: 'plan', path: '/workloads/w_0001', ready: 'Reads the payments database', act: openPlan },
      { name: 'shift', path: '/workloads/w_0001', ready: 'Reads the payments database', act: openShift },
    ],
  },
  {
    name: 'topology',
    path: '/topology',
    ready: 'DNS, NTP and control paths hidden',
    empty: 'The map draws itself as soon as an agent sees traffic.',
    asks: '/v1/topology',
    walk: null,
    also: [
      {
        name: 'policy',
        path: '/topology?lens=policy&at=workload&sel=w_0001',
        ready: '122 flows denied in the last hour',
      },
      { name: 'matrix', path: '/topology?view=matrix&at=persona', ready: 'Outside, named' },
      { name: 'list', path: '/topology?view=list&at=workload', ready: 'etl-worker-07' },
      { name: 'no-match', path: '/topology?q=zzz', ready: 'Nothing matches `zzz`.' },
    ],
  },
  {
    name: 'activity',
    path: '/activity',
    ready: 'change is under way',
    empty: null,
    asks: null,
    walk: null,
    also: [
      { name: 'keys', path: '/activity', ready: 'change is under way', act: openKeys },
      { name: 'palette', path: '/activity', ready: 'change is under way', act: openPalette },
    ],
  },
  {
    name: 'sources',
    path: '/sources',
    ready: 'netflow:0.0.0.0:2055',
    empty: 'No source has reported yet.',
    asks: '/v1/sources',
    walk: { table: 'Sources', opens: 'peek' },
    also: [{ name: 'peek', path: '/sources?sel=src_netflow', ready: 'Where flows are lost' }],
  },
  {
    name: 'agents',
    path: '/agents',
    ready: 'rack3-h01',
    empty: 'No agent is enrolled yet.',
    asks: '/v1/agents',
    walk: { table: 'Agents', opens: 'peek' },
    also: [{ name: 'peek', path: '/agents?sel=a_rack2-h04', ready: 'What its probes said' }],
  },
  {
    name: 'policies',
    path: '/policies',
    ready: 'payments-stay-home',
    empty: 'No policy is written yet.',
    asks: '/v1/policies',
    walk: { table: 'Policies', opens: 'page' },
    also: [{ name: 'no-match', path: '/policies?q=mode%3Aoff', ready: 'Nothing matches mode:off' }],
  },
  {
    name: 'policy',
    path: '/policies/payments-stay-home',
    ready: 'Chain e_',
    empty: null,
    asks: '/v1/policies/payments-stay-home',
    walk: null,
    also: [
      { name: 'new', path: '/policies/_new', ready: 'Chain e_' },
      { name: 'stands', path: '/policies/database-only-from-api?tab=stands', ready: 'Whom it is about' },
      { name: 'versions', path: '/policies/payments-stay-home?tab=versions', ready: 'Before it was described.' },
      { name: 'faults', path: '/policies/no-remote-admin-under-suspicion', ready: 'Chain e_', act: writeMistake },
    ],
  },
  {
    name: 'secrets',
    path: '/secrets',
    ready: 'partner-certificate-key',
    empty: 'Keys of tunnels and given certificates are kept as secrets',
    asks: '/v1/secrets',
    walk: { table: 'Secrets', opens: 'peek' },
    also: [{ name: 'peek', path: '/secrets?sel=old-tunnel-key', ready: 'Give it a new value' }],
  },
  {
    name: 'personas',
    path: '/personas',
    ready: 'Data Exporter',
    empty: null,
    asks: '/v1/personas',
    walk: { table: 'Personas', opens: 'page' },
    also: [{ name: 'proposed', path: '/personas', ready: 'SMTP Client', act: openProposal }],
  },
  {
    name: 'models',
    path: '/models',
    ready: 'Whom it takes for whom',
    empty: 'Nobody measured it.',
    asks: '/v1/models',
    walk: null,
    also: [
      { name: 'table', path: '/models', ready: 'Whom it takes for whom', act: openReliability },
      { name: 'promote', path: '/models', ready: 'Models kept', act: openPromote },
    ],
  },
  {
    name: 'persona',
    path: '/personas/data-exporter',
    ready: 'How it tightens under risk',
    empty: null,
    asks: '/v1/personas/data-exporter',
    walk: null,
    also: [
      { name: 'edit', path: '/personas/data-exporter?tab=edit', ready: 'Who is affected' },
      { name: 'form', path: '/personas/branch-office?tab=edit', ready: 'Who is affected', act: openForm },
      { name: 'facets', path: '/personas/branch-office', ready: 'wg0, 10.9.0.2/24, 1 peer' },
      { name: 'add-facet', path: '/personas/data-exporter?tab=edit', ready: 'Who is affected', act: openFacets },
    ],
  },
  {
    name: 'plans',
    path: '/plans',
    ready: 'Contain etl-worker-07',
    empty: 'No plan was made yet.',
    asks: '/v1/plans',
    walk: { table: 'Plans', opens: 'page' },
    also: [
      { name: 'no-match', path: '/plans?q=by:nobody', ready: 'Nothing matches by:nobody' },
      { name: 'over', path: '/plans?show=over', ready: 'Rolled back' },
    ],
  },
  {
    name: 'plan-page',
    path: '/plans/pl_413',
    ready: 'everything outbound',
    empty: null,
    asks: '/v1/plans/pl_413',
    walk: null,
    also: [
      { name: 'confirm', path: '/plans/pl_413', ready: 'everything outbound', act: askConfirm },
      { name: 'nft', path: '/plans/pl_413?form=nft', ready: 'chain c_5f2e8c01 {' },
      { name: 'confirmed', path: '/plans/pl_412', ready: 'Left out of this plan' },
      { name: 'past', path: '/plans/pl_408', ready: 'Back to generation 408…' },
    ],
  },
  {
    name: 'plan-back',
    path: '/plans/back/408',
    ready: 'What follows',
    empty: null,
    asks: '/v1/plans/rollback/preview',
    walk: null,
    also: [
      { name: 'ask', path: '/plans/back/408', ready: 'What follows', act: askBack },
      { name: 'refused', path: '/plans/back/407', ready: 'Generation 407 was never confirmed' },
    ],
  },
  {
    name: 'ledger',
    path: '/ledger',
    ready: 'Confirmed generation 412 after five probes passed',
    empty: 'Nothing was recorded yet.',
    asks: '/v1/audit',
    walk: { table: 'Records', opens: 'peek' },
    also: [
      { name: 'peek', path: '/ledger?sel=2212', ready: 'Hash before it' },
      { name: 'decision', path: '/ledger?decision=d_981', ready: 'Decided from (SHA-256)' },
      {
        name: 'verified',
        path: '/ledger',
        ready: 'Confirmed generation 412 after five probes passed',
        act: verifyChain,
      },
      { name: 'no-match', path: '/ledger?q=actor:nobody', ready: 'No record matches actor:nobody' },
    ],
  },
]
