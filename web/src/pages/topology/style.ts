/** How the map is drawn: grey unless something differs. Colours come in resolved; widths and sizes come with the elements. */
import type { StylesheetJson } from 'cytoscape'
import type { Colors } from './colors.ts'

const FONT = 'Inter, system-ui, sans-serif'

export function mapStyle(colors: Colors): StylesheetJson {
  return [
    {
      selector: 'node',
      style: {
        width: 'data(size)',
        height: 'data(size)',
        'background-color': colors.surface,
        'border-width': 3,
        'border-color': 'data(ring)',
        label: 'data(label)',
        'font-family': FONT,
        'font-size': 12,
        color: colors['ink-2'],
        'text-valign': 'bottom',
        'text-margin-y': 6,
        'text-max-width': '98px',
        'text-wrap': 'ellipsis',
        'text-outline-color': colors.raised,
        'text-outline-width': 2,
        'min-zoomed-font-size': 8,
        'overlay-opacity': 0,
        'z-index-compare': 'manual',
        'z-index': 10,
      },
    },
    {
      selector: 'node.outside',
      style: { shape: 'round-rectangle', 'border-width': 1.5, 'border-color': colors['ink-3'] },
    },
    {
      selector: 'node.segment',
      style: {
        'background-color': colors.raised,
        'border-width': 1.5,
        'border-color': colors['line-2'],
        'text-outline-color': colors.surface,
      },
    },
    { selector: 'node.differs', style: { color: colors.ink } },
    {
      selector: 'node.field',
      style: {
        shape: 'round-rectangle',
        'corner-radius': '10px',
        width: 'data(width)',
        height: 'data(height)',
        'background-color': colors.raised,
        'border-width': 1,
        'border-color': colors.raised,
        label: '',
        'z-index': 1,
        events: 'yes',
      },
    },
    { selector: 'node.field.at-risk', style: { 'border-color': colors['risk-3'], 'border-width': 1.5 } },
    {
      selector: 'edge',
      style: {
        width: 'data(width)',
        'line-color': colors['line-2'],
        'target-arrow-color': colors['line-2'],
        'target-arrow-shape': 'triangle',
        'arrow-scale': 0.8,
        'curve-style': 'unbundled-bezier',
        'control-point-distances': 'data(bends)',
        'control-point-weights': 'data(weights)',
        'target-distance-from-node': 4,
        'source-distance-from-node': 4,
        'font-family': FONT,
        'font-size': 11,
        'font-weight': 500,
        'text-background-color': colors.surface,
        'text-background-opacity': 1,
        'text-background-padding': '3px',
        'text-background-shape': 'roundrectangle',
        'min-zoomed-font-size': 8,
        'z-index-compare': 'manual',
        'overlay-padding': 6,
        'overlay-opacity': 0,
        'z-index': 5,
      },
    },
    mark('deny', colors.drop, 'dashed'),
    mark('would-deny', colors['would-drop'], 'dashed'),
    mark('unjudged', colors['ink-3'], 'dotted'),
    mark('evidence', colors['risk-3'], 'solid'),
    mark('fresh', colors['ink-2'], 'solid'),
    { selector: 'edge.plain', style: { opacity: 0.6 } },
    { selector: '.dim', style: { opacity: 0.28 } },
    { selector: 'node.field.dim', style: { opacity: 1 } },
    {
      selector: 'node.chosen',
      style: { 'outline-width': 2, 'outline-color': colors.accent, 'outline-offset': 9, color: colors.ink },
    },
    {
      selector: 'node.field.chosen',
      style: { 'outline-width': 0, 'border-color': colors.accent, 'border-width': 2 },
    },
    { selector: 'edge.chosen', style: { 'overlay-color': colors.accent, 'overlay-opacity': 0.18, 'z-index': 9 } },
  ]
}

function mark(name: string, color: string, line: 'dashed' | 'dotted' | 'solid'): StylesheetJson[number] {
  return {
    selector: `edge.${name}`,
    style: {
      'line-color': color,
      'target-arrow-color': color,
      'line-style': line,
      'line-dash-pattern': [6, 4],
      'target-label': 'data(label)',
      'target-text-offset': 44,
      color,
      'z-index': 8,
    },
  }
}
