/** Routes, behind the question who is there. Pages load on their own; Fleet comes with the shell since it is the first. */
import { QueryClientProvider } from '@tanstack/react-query'
import { t } from 'i18next'
import { lazy, Suspense } from 'react'
import { BrowserRouter, Navigate, Route, Routes, useLocation } from 'react-router'
import { onSessionEnd } from './api/client.ts'
import { createQueryClient, keys, useSession } from './api/queries.ts'
import { Boundary } from './parts/boundary.tsx'
import { Failed, SkeletonRows } from './parts/states.tsx'
import { BASE, paths } from './paths.ts'
import { Shell } from './shell/shell.tsx'
import { addWords } from './words/words.ts'

/** A page, and beside the first of them the words that pages share. */
async function withWords<T>(page: Promise<T>): Promise<T> {
  const [loaded, { shared }] = await Promise.all([page, import('./words/shared.ts')])
  addWords(shared)
  return loaded
}

const Fleet = lazy(() => withWords(import('./pages/fleet/fleet.tsx')))
const Workload = lazy(() => withWords(import('./pages/workload/workload.tsx')))
const Activity = lazy(() => withWords(import('./pages/activity/activity.tsx')))
const Topology = lazy(() => withWords(import('./pages/topology/topology.tsx')))
const Sources = lazy(() => withWords(import('./pages/sources/sources.tsx')))
const Personas = lazy(() => withWords(import('./pages/personas/personas.tsx')))
const Persona = lazy(() => withWords(import('./pages/personas/persona.tsx')))
const Models = lazy(() => withWords(import('./pages/models/models.tsx')))
const Policies = lazy(() => withWords(import('./pages/policies/policies.tsx')))
const Policy = lazy(() => withWords(import('./pages/policies/policy.tsx')))
const Plans = lazy(() => withWords(import('./pages/plans/plans.tsx')))
const Plan = lazy(() => withWords(import('./pages/plans/plan.tsx')))
const PlanBack = lazy(() => withWords(import('./pages/plans/back.tsx')))
const Agents = lazy(() => withWords(import('./pages/agents/agents.tsx')))
const Secrets = lazy(() => withWords(import('./pages/secrets/secrets.tsx')))
const Ledger = lazy(() => withWords(import('./pages/ledger/ledger.tsx')))
const Missing = lazy(() => withWords(import('./pages/missing.tsx')))
const SignIn = lazy(() => import('./pages/sign-in.tsx'))

const client = createQueryClient()
onSessionEnd(() => client.setQueryData(keys.session, null))

export function App() {
  return (
    <QueryClientProvider client={client}>
      <BrowserRouter basename={BASE}>
        <Gate />
      </BrowserRouter>
    </QueryClientProvider>
  )
}

function Gate() {
  const { pathname } = useLocation()
  const session = useSession()
  if (session.isPending) return null
  if (session.data === undefined) {
    return (
      <main className="sign-in">
        <Failed error={session.error} retry={() => void session.refetch()} what={t('state.everything')} />
      </main>
    )
  }
  if (session.data === null) {
    return (
      <Suspense>
        <SignIn />
      </Suspense>
    )
  }
  return (
    <Shell>
      <Boundary key={pathname}>
        <Suspense fallback={<SkeletonRows rows={12} />}>
          <Routes>
            <Route path="/" element={<Navigate to={paths.fleet()} replace />} />
            <Route path={paths.signIn()} element={<Navigate to={paths.fleet()} replace />} />
            <Route path={paths.fleet()} element={<Fleet />} />
            <Route path="/workloads/:id" element={<Workload tab="overview" />} />
            <Route path="/workloads/:id/conversations" element={<Workload tab="conversations" />} />
            <Route path="/workloads/:id/rules" element={<Workload tab="rules" />} />
            <Route path={paths.activity()} element={<Activity />} />
            <Route path={paths.topology()} element={<Topology />} />
            <Route path={paths.sources()} element={<Sources />} />
            <Route path={paths.personas()} element={<Personas />} />
            <Route path="/personas/:id" element={<Persona />} />
            <Route path={paths.models()} element={<Models />} />
            <Route path={paths.policies()} element={<Policies />} />
            <Route path="/policies/:id" element={<Policy />} />
            <Route path={paths.plans()} element={<Plans />} />
            <Route path="/plans/:id" element={<Plan />} />
            <Route path="/plans/back/:generation" element={<PlanBack />} />
            <Route path={paths.agents()} element={<Agents />} />
            <Route path={paths.secrets()} element={<Secrets />} />
            <Route path={paths.ledger()} element={<Ledger />} />
            <Route path="*" element={<Missing />} />
          </Routes>
        </Suspense>
      </Boundary>
    </Shell>
  )
}
