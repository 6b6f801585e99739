/** The contract as a page: plain HTML, no script, written from the OpenAPI document; every text is escaped. */
type Operation = {
  readonly summary?: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly requestBody?: { readonly content?: Record<string, { readonly schema?: object }> }
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[]
  readonly responses?: Record<string, { readonly description?: string }>
}
type Contract = {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string }
  readonly paths?: Record<string, Record<string, Operation>>
}

export function docsPage(contract: Contract): string {
  const byTag = new Map<string, string[]>()
  for (const [path, methods] of Object.entries(contract.paths ?? {})) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags?.[0] ?? 'other'
      byTag.set(tag, [...(byTag.get(tag) ?? []), operationHtml(method, path, operation)])
    }
  }
  const tags = [...byTag.keys()].sort()
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(contract.info.title)} API</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/docs.css"></head><body>
<header><h1>${escapeHtml(contract.info.title)} API <small>${escapeHtml(contract.info.version)}</small></h1>
<p>${escapeHtml(contract.info.description ?? '')} The document itself: <a href="/openapi.json">/openapi.json</a>; schemas of manifests: <a href="/schemas">/schemas</a>.</p>
<nav>${tags.map((tag) => `<a href="#${escapeHtml(tag)}">${escapeHtml(tag)}</a>`).join(' ')}</nav></header><main>
${tags.map((tag) => `<section id="${escapeHtml(tag)}"><h2>${escapeHtml(tag)}</h2>${byTag.get(tag)!.join('')}</section>`).join('\n')}
</main></body></html>`
}

function operationHtml(method: string, path: string, operation: Operation): string {
  const parameters = (operation.parameters ?? [])
    .map(
      (p) =>
        `<li><code>${escapeHtml(p.name)}</code> in ${escapeHtml(p.in)}${p.required === true ? ', required' : ''}</li>`,
    )
    .join('')
  const body = Object.values(operation.requestBody?.content ?? {})[0]?.schema
  const answers = Object.entries(operation.responses ?? {})
    .map(([status, answer]) => `<li><code>${escapeHtml(status)}</code> ${escapeHtml(answer.description ?? '')}</li>`)
    .join('')
  return `<details><summary><b>${escapeHtml(method.toUpperCase())}</b> <code>${escapeHtml(path)}</code> ${escapeHtml(operation.summary ?? '')}</summary>
<p>${escapeHtml(operation.description ?? '')}</p>${parameters === '' ? '' : `<ul>${parameters}</ul>`}
${body === undefined ? '' : `<pre>${escapeHtml(JSON.stringify(body, null, 1))}</pre>`}<ul>${answers}</ul></details>`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}

export const DOCS_CSS = `:root{color-scheme:light dark}body{font:14px/1.5 system-ui,sans-serif;max-width:960px;margin:0 auto;padding:24px}
h1{font-size:24px;margin:0}h2{font-size:17px;margin:24px 0 8px}small{font-weight:400;opacity:.7}nav a{margin-right:12px}
details{border-top:1px solid #8884;padding:6px 0}summary{cursor:pointer}summary b{display:inline-block;min-width:64px}
pre{overflow:auto;max-height:320px;padding:12px;background:#8881}code{font-family:ui-monospace,monospace}`
