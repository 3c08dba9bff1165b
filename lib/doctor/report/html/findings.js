'use strict'

// The findings of the page, a card for each.

const { duration, percent, plural } = require('../../judge/sites')
const { editorLink } = require('../locations')
const { alsoOf, callerOf, docsOf, frameOf, positionOf } = require('../summary')
const { printableName } = require('../text')
const { html } = require('./markup')

/**
 * @typedef {import('../../../../doctor').Finding} Finding
 * @typedef {import('../../../../doctor').Report} Report
 * @typedef {{ root: string, sourceOf: (file: string) => string | undefined, notes: string[] }} PageContext
 */

const MAX_FINDINGS = 200
/** Lines of an excerpt before and after the guilty one. */
const AROUND = 3
const MAX_LINE = 200

/**
 * @param {Report} report
 * @param {PageContext} context
 */
function findingCards(report, context) {
  const { findings } = report
  if (findings.length > MAX_FINDINGS) context.notes.push(`${findings.length - MAX_FINDINGS} findings`)
  return findings.slice(0, MAX_FINDINGS).map((finding, index) => card(finding, index + 1, report, context))
}

/**
 * @param {Finding} finding
 * @param {number} number
 * @param {Report} report
 * @param {PageContext} context
 */
function card(finding, number, report, context) {
  const { rule, title, confidence, evidence, fix, time } = finding
  const id = `finding-${number}`
  const share = report.duration > 0 ? time / report.duration : 0
  return html`<article class="card ${confidence}" id="${id}" aria-labelledby="${id}-title" tabindex="-1">
<header><h3 id="${id}-title"><span class="rule">${rule}</span> ${title}</h3>
<span class="badge">${confidence}</span></header>
<p class="where">${subjectOf(finding)}${position(finding, context.root)}${callerLine(finding, context.root)}</p>
<p>${evidence.text}</p>
${time > 0 && html`<p class="quiet">held the loop for ${duration(time)}, ${percent(share)} of the time</p>`}
${evidence.declared && html`<p class="quiet">declared in ${positionOf(evidence.declared, context.root)}</p>`}
${alsoOf(finding, context.root).map(it => html`<p class="quiet">also causes: ${it}</p>`)}
${excerpt(finding, context)}
<div class="fix"><h4>Fix</h4><pre tabindex="0"><code>${fix}</code></pre><button type="button" data-copy hidden>Copy</button>
<p class="quiet">${docsOf(finding)}</p></div>
${stack(finding, context.root)}
</article>`
}

/** @param {Finding} finding */
function subjectOf({ name, function: caller }) {
  const names = [name, caller].filter(it => it !== undefined && it !== '')
  return names.map(it => html`<code>${printableName(it)}</code> `)
}

/**
 * Returns a position as a link that opens the editor.
 * @param {{ file: string, line: number, column?: number }} at
 * @param {string} root
 */
function position(at, root) {
  const text = positionOf(at, root)
  const link = editorLink(at.file, at.line, at.column ?? 1)
  return link === undefined || at.line === 0
    ? html`<span class="path">${text}</span>`
    : html`<a class="path" href="${link}">${text}</a>`
}

/**
 * @param {Finding} finding
 * @param {string} root
 */
function callerLine(finding, root) {
  const caller = callerOf(finding)
  return (
    caller && html` ← ${caller.isAsync && 'async '}<code>${printableName(caller.name)}</code> ${position(caller, root)}`
  )
}

/**
 * Returns the lines around the guilty one, if the source can be read.
 * @param {Finding} finding
 * @param {PageContext} context
 */
function excerpt({ file, line }, { sourceOf }) {
  const source = file === '' || line === 0 ? undefined : sourceOf(file)
  if (source === undefined) return undefined
  const lines = source.split(/\r?\n/)
  if (line > lines.length) return undefined
  const from = Math.max(1, line - AROUND)
  const shown = lines.slice(from - 1, line + AROUND)
  return html`<pre class="excerpt" tabindex="0"><code>${shown.map((text, index) => excerptLine(text, from + index, line))}</code></pre>`
}

/**
 * @param {string} text
 * @param {number} number
 * @param {number} guilty
 */
function excerptLine(text, number, guilty) {
  const line = html`<span class="number">${number}</span> ${text.replaceAll('\t', '  ').slice(0, MAX_LINE)}`
  return number === guilty ? html`<mark>${line}</mark>\n` : html`${line}\n`
}

/**
 * @param {Finding} finding
 * @param {string} root
 */
function stack({ frames }, root) {
  if (frames.length === 0) return undefined
  return html`<details><summary>Stack, ${plural(frames.length, 'call')}</summary><ol class="stack">${frames.map(
    frame => html`<li class="${frame.isUser ? 'user' : 'other'}">${frameOf(frame, root)}</li>`
  )}</ol></details>`
}

module.exports = { findingCards, position }
