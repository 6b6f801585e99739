/** The site: four ways in (start, understand, do, look up), and every link checked when it is built. */
import { defineConfig } from 'vitepress'

const page = (text: string, link: string) => ({ text, link })

export default defineConfig({
  title: 'Guise',
  description: 'Dynamic network personas: observed, learned, decided, enforced, with a reason for every rule.',
  lang: 'en',
  cleanUrls: true,
  lastUpdated: false,
  srcExclude: ['README.md'],
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      page('Quick start', '/quick-start'),
      page('Concepts', '/concepts/workloads'),
      page('How-to', '/how-to/'),
      page('Reference', '/reference/cli'),
    ],
    sidebar: [
      { text: 'Start', items: [page('What it is', '/'), page('Quick start', '/quick-start')] },
      {
        text: 'Concepts',
        items: [
          page('Workloads and agents', '/concepts/workloads'),
          page('Flows, windows, conversations', '/concepts/flows'),
          page('Personas and profiles', '/concepts/personas'),
          page('Belief', '/concepts/belief'),
          page('Unseen traffic', '/concepts/unseen-traffic'),
          page('Evidence and risk', '/concepts/risk'),
          page('Policies', '/concepts/policies'),
          page('Plans and generations', '/concepts/plans'),
          page('Feeds and indicators', '/concepts/feeds'),
          page('Why and the ledger', '/concepts/why'),
          page('How it decides', '/concepts/how-it-decides'),
        ],
      },
      {
        text: 'How-to',
        items: [
          page('All tasks', '/how-to/'),
          page('Look at recorded traffic', '/how-to/observe-recordings'),
          page('Find out why', '/how-to/find-out-why'),
          page('Follow a refused connection', '/how-to/trace-a-refusal'),
          page('See what is to come', '/how-to/see-what-is-to-come'),
          page('See what a workload uses', '/how-to/see-what-a-workload-uses'),
          page('See where telemetry is lost', '/how-to/see-where-telemetry-is-lost'),
          page('Shift a workload, and back', '/how-to/shift-and-undo'),
          page('Write a persona', '/how-to/write-a-persona'),
          page('Wear several personas', '/how-to/wear-several-personas'),
          page('Write and test a policy', '/how-to/write-a-policy'),
          page('Bring policies from Kubernetes', '/how-to/import-kubernetes-policies'),
          page('Let a contained workload go', '/how-to/release-a-containment'),
          page('Block a list, spare a list', '/how-to/block-and-spare'),
          page('Approve, confirm, roll back', '/how-to/work-with-plans'),
          page('Connect your own hosts', '/how-to/connect-hosts'),
          page('Give containers and machines personas', '/how-to/give-containers-and-machines-personas'),
          page('Use the API', '/how-to/use-the-api'),
          page('Take everything off', '/how-to/panic'),
        ],
      },
      {
        text: 'Reference',
        items: [
          page('Command line', '/reference/cli'),
          page('API', '/reference/api'),
          page('Manifests', '/reference/manifests'),
          page('Who may do what', '/reference/permissions'),
          page('Readings of a window', '/reference/features'),
          page('Vitals', '/reference/vitals'),
          page('Words', '/reference/glossary'),
        ],
      },
    ],
  },
})
