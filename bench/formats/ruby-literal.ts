/** Literals as Ruby writes them in a test: numbers, strings, nil, hashes and arrays; anything else is an error. */
export function parseRuby(literal: string): unknown {
  const text = literal.trim()
  if (text === 'nil') return null
  if (text === 'true' || text === 'false') return text === 'true'
  if (/^-?\d[\d_]*(\.\d+)?([eE][-+]?\d+)?$/.test(text)) return Number(text.replaceAll('_', ''))
  if (/^0x[0-9a-fA-F]+$/.test(text)) return Number(text)
  if (text.startsWith("'") && text.endsWith("'")) return text.slice(1, -1).replace(/\\(['\\])/g, '$1')
  if (text.startsWith('"') && text.endsWith('"'))
    return JSON.parse(text.replaceAll('\\#', '#').replaceAll('\\e', '\\u001b'))
  if (/^[{[]/.test(text)) {
    const json = text
      .replace(/'((?:[^'\\]|\\.)*)'/g, (_all, inner: string) => JSON.stringify(inner))
      .replace(/:(\w+)\s*=>/g, '"$1":')
      .replace(/=>/g, ':')
      .replace(/\bnil\b/g, 'null')
    return JSON.parse(json)
  }
  throw new Error(`no literal of Ruby that is known here: ${text.slice(0, 80)}`)
}
