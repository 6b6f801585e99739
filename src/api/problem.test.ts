import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BadCursor } from '../store/cursor.ts'
import { toProblem } from './problem.ts'

const failed = (code: string | undefined, message = 'secret detail') => Object.assign(new Error(message), { code })

test('a database that is away or full is said as that, with a cure and without its words', () => {
  for (const code of ['57P01', '57P03', '08006', '53300', 'ECONNREFUSED', 'ECONNRESET']) {
    const problem = toProblem(failed(code))
    assert.deepEqual([problem.statusCode, problem.code, problem.headers['retry-after']], [503, 'database-away', '2'])
    assert.doesNotMatch(problem.message, /secret/)
  }
  assert.equal(toProblem(failed(undefined, 'Connection terminated unexpectedly')).statusCode, 503)
  for (const code of ['53100', 'ENOSPC']) assert.equal(toProblem(failed(code)).statusCode, 507)
})

test('a cursor of another list is the mistake of who sent it', () => {
  const { statusCode, code } = toProblem(new BadCursor())
  assert.deepEqual([statusCode, code], [400, 'bad-cursor'])
})

test('anything else that breaks stays our mistake', () => {
  for (const code of ['22P02', '23505', undefined]) assert.equal(toProblem(failed(code)).statusCode, 500)
})
