/** What Prometheus reads: the API's own figures and what each agent counted. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = {
  readonly registry: Registry
  readonly requests: Histogram<'method' | 'route' | 'status'>
  readonly refusals: Counter<'code'>
  readonly workloads: Gauge<'agent'>
  readonly agentCounters: Gauge<'agent' | 'counter'>
  readonly listeners: Gauge
  readonly halted: Gauge<'why'>
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'guise_' })
  const registers = [registry]
  return {
    registry,
    requests: new Histogram({
      name: 'guise_http_request_seconds',
      help: 'Time to answer, by route.',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.001, 0.005, 0.02, 0.1, 0.5, 2],
      registers,
    }),
    refusals: new Counter({
      name: 'guise_http_refusals_total',
      help: 'Refusals by code.',
      labelNames: ['code'],
      registers,
    }),
    workloads: new Gauge({
      name: 'guise_workloads',
      help: 'Workloads known, by agent.',
      labelNames: ['agent'],
      registers,
    }),
    agentCounters: new Gauge({
      name: 'guise_agent_counter',
      help: 'What an agent counted since its start.',
      labelNames: ['agent', 'counter'],
      registers,
    }),
    halted: new Gauge({
      name: 'guise_automation_halted',
      help: '1 while automation stands still: a cap was broken (tripped), or a person went back to a generation (pinned).',
      labelNames: ['why'],
      registers,
    }),
    listeners: new Gauge({ name: 'guise_event_listeners', help: 'Open event streams.', registers }),
  }
}
