/** Addresses are promises: links in tickets and chats must still open. Changing one is a decision, made here. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BASE, paths, query } from '../src/paths.ts'

test('every address of the console', () => {
  assert.equal(BASE, '/ui')
  assert.deepEqual(Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, path('w_9f3/x')])), {
    fleet: '/fleet',
    workload: '/workloads/w_9f3%2Fx',
    conversations: '/workloads/w_9f3%2Fx/conversations',
    rules: '/workloads/w_9f3%2Fx/rules',
    topology: '/topology',
    activity: '/activity',
    sources: '/sources',
    personas: '/personas',
    persona: '/personas/w_9f3%2Fx',
    models: '/models',
    policies: '/policies',
    policy: '/policies/w_9f3%2Fx',
    plans: '/plans',
    plan: '/plans/w_9f3%2Fx',
    planBack: '/plans/back/w_9f3%2Fx',
    agents: '/agents',
    secrets: '/secrets',
    ledger: '/ledger',
    signIn: '/sign-in',
  })
})

test('a default is left out of the address', () => {
  assert.equal(query({ q: '', s: null }), '')
  assert.equal(query({ q: 'risk>0.4', s: undefined }), '?q=risk%3E0.4')
})
