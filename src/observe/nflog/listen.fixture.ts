/** Has both groups of this namespace, asks for both once more, and says what it is told. */
import { listenToAnswers, listenToLog } from './listen.ts'

const [LOG, ANSWERS] = [41, 42]
const options = {
  signal: AbortSignal.timeout(5_000),
  counters: { read: 0, unread: 0, lost: 0 },
  logged() {},
}
const told = (listening: Promise<void>) =>
  listening.then(
    () => 'it is ours',
    (error: Error) => error.message,
  )
void told(listenToLog(LOG, options))
void told(listenToAnswers(ANSWERS, options))
const second = [listenToLog(LOG, options), listenToAnswers(ANSWERS, options)].map(told)
process.stdout.write(JSON.stringify(await Promise.all(second)))
process.exit()
