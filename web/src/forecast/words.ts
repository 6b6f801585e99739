/** The sentences of a forecast; its reasons and how it was kept are the server's own. */
export const forecastWords = {
  forecast: {
    title: 'Forecast',
    what: 'What is forecast',
    of: { bytesOut: 'Bytes out', bytesIn: 'Bytes in' },
    service: 'Both ways by {{name}}',
    step: 'Step',
    steps: { '5min': '5 min', hour: '1 h' },
    none: 'Nothing is forecast yet.',
    sum_one: '{{count}} workload.',
    sum_other: '{{count}} workloads, added up.',
    lead: 'The next {{span}}: {{mean}} on average, {{most}} at the most; what comes 19 times in 20 reaches up to {{high}}.',
    describe:
      'What was seen, and the {{span}} to come: {{mean}} on average, between {{low}} and {{high}} 19 times in 20 for each step.',
    now: 'now',
    seen: 'Seen',
    expected: 'Expected',
    in80: '8 times in 10',
    in95: '19 times in 20',
    nobody: 'nobody looked',
    numbers: 'Forecast in numbers',
    time: 'Step from',
    to: '{{low}} to {{high}}',
    why: 'Why',
    cold: '{{share}} of it is the usual season of its persona: its own past is short.',
    kept: 'Kept so far: {{sentence}}.',
  },
}
