'use strict'

// Writes the report as one HTML file without external resources. The text is readable without scripts, which only add charts.

const { createHash } = require('node:crypto')
const { readFileSync } = require('node:fs')
const { join } = require('node:path')
const { chartData } = require('./html/data')
const { findingCards } = require('./html/findings')
const { embeddedJson, html, raw } = require('./html/markup')
const { sourceReader } = require('./html/sources')
const tables = require('./html/tables')
const summary = require('./summary')

/**
 * @typedef {import('../../../doctor').Report} Report
 * @typedef {import('./html/findings').PageContext} PageContext
 * @typedef {ReturnType<typeof html>} Markup
 */

const MAX_BYTES = 1_900_000
const MAX_REPORT = 500_000
/** Limits for the data of the charts, tried in this order until the page is small enough. */
const LIMITS = [
  { nodes: 10_000, rows: 600, blocks: 300 },
  { nodes: 4000, rows: 300, blocks: 100 },
  { nodes: 1000, rows: 100, blocks: 30 },
  { nodes: 100, rows: 20, blocks: 5 }
]
const VENDOR = join(__dirname, '..', 'vendor')
const PAGE = join(__dirname, 'page')

/**
 * @param {Report} report
 * @param {{ root?: string, sourceOf?: (file: string) => string | undefined }} [options] `root`: folder of the program; `sourceOf`
 *   returns the text of a file for excerpts, by default only of files in the folder
 * @returns {string}
 */
function htmlPage(report, { root = process.cwd(), sourceOf = sourceReader(root) } = {}) {
  let text = ''
  for (const limits of LIMITS) {
    text = page(report, limits, { root, sourceOf, notes: [] })
    if (Buffer.byteLength(text) <= MAX_BYTES) break
  }
  return text
}

/**
 * @param {Report} report
 * @param {typeof LIMITS[number]} limits
 * @param {PageContext} context
 */
function page(report, limits, context) {
  const style = read(VENDOR, 'charts.css') + read(PAGE, 'style.css')
  const script = `${read(VENDOR, 'charts.js')}\n${read(PAGE, 'client.js')}`
  const { timeline, flame, notes } = chartData(report, limits, context.root)
  const content = sections(report, context)
  const data = reportData(report, context.notes)
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${raw(policy(style, script))}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>offloop doctor: ${summary.verdictOf(report)}</title>
<style>${raw(style)}</style>
</head>
<body>
<a class="skip" href="#findings">Skip to the findings</a>
${header(report)}
<main>
${content}
${leftOut([...context.notes, ...notes])}
</main>
<footer><details><summary>Licences of the charts</summary><pre>${lines(read(VENDOR, 'NOTICES'))}</pre></details></footer>
<script type="application/json" id="charts">${embeddedJson({ timeline, flame })}</script>
<script type="application/json" id="report">${data}</script>
<script>${raw(script)}</script>
</body>
</html>
`.text
}

/**
 * @param {string} folder
 * @param {string} name
 */
function read(folder, name) {
  return readFileSync(join(folder, name), 'utf8')
}

/** @param {string} text */
function lines(text) {
  return text.split('\n').map(line => html`${line}\n`)
}

/**
 * Returns the content security policy, which allows only the page's own style and script.
 * @param {string} style
 * @param {string} script
 */
function policy(style, script) {
  const [ofStyle, ofScript] = [style, script].map(
    text => `'sha256-${createHash('sha256').update(text).digest('base64')}'`
  )
  return `default-src 'none'; style-src ${ofStyle}; script-src ${ofScript}; img-src data:; base-uri 'none'; form-action 'none'`
}

/** @param {Report} report */
function header(report) {
  const setup = summary.setupOf(report).join(' · ')
  const caveat = summary.caveatOf(report)
  return html`<header class="top ${report.verdict}">
<p class="brand">offloop doctor</p>
<h1>${summary.verdictOf(report)}</h1>
${caveat !== undefined && html`<p>${caveat}</p>`}
<p>${setup}</p>
<p class="quiet"><code>${report.command.join(' ')}</code>, ${new Date(report.began).toISOString()}</p>
<p class="figures">${summary.figuresOf(report).map(text => html`<span>${text}</span> `)}</p>
</header>`
}

/**
 * Returns the sections with content, and links to them.
 * @param {Report} report
 * @param {PageContext} context
 */
function sections(report, context) {
  const { root } = context
  const cards = report.findings.length === 0 ? html`<p>No findings.</p>` : findingCards(report, context)
  /** @type {readonly (readonly [id: string, title: string, content: readonly unknown[]])[]} */
  const all = [
    ['findings', 'Findings', [tables.conditions(report), cards]],
    ['timeline', 'Timeline', [timeline(report), tables.blocks(report, root)]],
    ['routes', 'Routes', [tables.routes(report)]],
    ['profile', 'Profile', [flame(report), tables.functions(report, root)]],
    ['memory', 'Memory', [tables.containers(report)]],
    ['processes', 'Processes', [tables.processes(report, root)]],
    ['downstream', 'Other services', [tables.downstream(report)]],
    ['checks', 'Checks', [starvation(report), tables.rules(report), tables.costs(report)]]
  ]
  const shown = all.filter(([, , content]) => content.some(it => it !== undefined && it !== false))
  return html`<nav aria-label="Sections">${shown.map(([id, title]) => html`<a href="#${id}">${title}</a> `)}</nav>
${shown.map(
  ([id, title, content]) => html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${content}</section>
`
)}`
}

/** @param {Report} report */
function timeline({ timeline: all }) {
  if (all.every(({ rows, blocks }) => rows.length === 0 && blocks.length === 0)) return undefined
  return html`<div class="charts" data-timeline hidden><p><label>Show <select data-process></select></label>
<span class="quiet">Drag to zoom in, double-click to zoom out. Click a block for its line.</span></p>
<div data-panels></div><p><output data-block></output></p></div>
<p class="quiet" data-without>The charts need scripts.</p>`
}

/** @param {Report} report */
function flame({ flame: profile }) {
  if (profile === null || profile.nodes.length === 0) return undefined
  return html`<div class="charts" data-profile hidden>
<p class="tools"><label>Search <input type="search" data-search></label> <button type="button" data-reset>Zoom out</button>
<span class="legend"><span class="user">program</span> <span class="package">packages</span> <span class="node">Node.js</span>
<span class="native">native</span></span></p>
<div data-flame tabindex="0" role="application" aria-label="Flame graph: arrow keys select a call, Enter zooms in, Escape zooms out"></div>
<p><output data-call>Arrow keys select a call, Enter zooms in, Escape zooms out.</output></p></div>`
}

/** @param {Report} report */
function starvation(report) {
  const text = summary.starvationOf(report)
  return text !== undefined && html`<p>${text}</p>`
}

/** @param {readonly string[]} notes */
function leftOut(notes) {
  return (
    notes.length > 0 &&
    html`<p class="quiet" id="left-out">Omitted from this page: ${notes.join('; ')}. See doctor.json.</p>`
  )
}

/**
 * Returns the report as JSON without the data of the charts, for programs that read the page.
 * @param {Report} report
 * @param {string[]} notes
 */
function reportData(report, notes) {
  const data = embeddedJson({ ...report, timeline: [], flame: null })
  if (data.text.length <= MAX_REPORT) return data
  notes.push('the JSON of the report')
  return embeddedJson(null)
}

module.exports = { html: htmlPage }
