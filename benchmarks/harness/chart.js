'use strict'

// Draws cases as a chart: a bar for each contender and a tick for each target of offloop.

const { show, verdictOf } = require('./table.js')

/**
 * @typedef {import('./summary.js').Summary} Summary
 * @typedef {import('./summary.js').Value} Value
 * @typedef {import('./summary.js').Verdict} Target
 */

const WIDTH = 830
const LEFT = 190
const LENGTH = 400
const LINE = 20
const MARGIN = 14
/** Maximum length of a contender's name in characters. */
const NAME = 26

const STYLE = `
    .ground { fill: #ffffff }
    text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
    .name { font-weight: 600; font-size: 14px }
    .quiet { fill: #59636e }
    .ours { fill: #0969da }
    .other { fill: #c2cad2 }
    .target { stroke: #cf222e; stroke-width: 2 }
    .missed { fill: #cf222e; font-weight: 600 }
    @media (prefers-color-scheme: dark) {
      .ground { fill: #0d1117 }
      text { fill: #f0f6fc }
      .quiet { fill: #9198a1 }
      .ours { fill: #4493f8 }
      .other { fill: #474f58 }
      .target { stroke: #ff7b72 }
      .missed { fill: #ff7b72 }
    }
  `

/**
 * @param {string} title
 * @param {readonly Summary[]} results
 * @param {readonly string[]} subtitles machine and date
 */
function chart(title, results, subtitles) {
  const parts = [
    text(MARGIN, 26, title, 'name'),
    ...subtitles.map((line, index) => text(MARGIN, 46 + index * 16, line, 'quiet'))
  ]
  let y = 46 + subtitles.length * 16
  for (const result of results) {
    for (const panel of panels(result)) {
      parts.push(...draw(result, panel, y))
      y += 3 * LINE + panel.values.length * LINE
    }
  }
  const height = y + MARGIN
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `  <title>${escaped(title)}</title>`,
    `  <style>${STYLE}</style>`,
    `  <rect class="ground" width="${WIDTH}" height="${height}" rx="6"/>`,
    ...parts.map(part => `  ${part}`),
    '</svg>',
    ''
  ].join('\n')
}

/**
 * Selects the measures that have a target, or else the first measure of the case.
 * @param {Summary} result
 * @returns {{ measure: string, values: Value[], targets: Target[] }[]}
 */
function panels({ values, targets }) {
  const withTarget = [...new Set(targets.map(({ measure }) => measure))]
  const measures = withTarget.length > 0 ? withTarget : values.slice(0, 1).map(({ measure }) => measure)
  return measures.map(measure => ({
    measure,
    values: values.filter(value => value.measure === measure),
    targets: targets.filter(target => target.measure === measure)
  }))
}

/**
 * @param {Summary} result
 * @param {{ measure: string, values: Value[], targets: Target[] }} panel
 * @param {number} top
 */
function draw({ name, what, reference }, { measure, values, targets }, top) {
  // Bars are ratios or values, like the target.
  const byRatio = targets.length > 0 ? targets[0].of === 'ratio' : values.every(({ ratio }) => ratio !== undefined)
  const length = (/** @type {Value} */ { value, ratio }) => (byRatio ? (ratio ?? 0) : value)
  const largest = Math.max(...values.map(length), ...targets.map(({ limit }) => limit), Number.MIN_VALUE)
  const scaled = (/** @type {number} */ amount) => ((Math.max(0, amount) / largest) * LENGTH).toFixed(1)
  const verdicts = targets.map(
    target =>
      `target ${target.text}${target.contender === 'offloop' ? '' : ` (${target.contender})`}: ${verdictOf(target)}`
  )
  const heading = [measure, byRatio && reference !== undefined ? `ratio to ${reference}` : '', ...verdicts]
  const missed = targets.some(({ met }) => !met)
  const lines = [
    text(MARGIN, top + 16, name, 'name', what),
    text(MARGIN, top + 16 + LINE, heading.filter(Boolean).join(' · '), missed ? 'missed' : 'quiet')
  ]
  values.forEach((value, index) => {
    const y = top + 2 * LINE + 4 + index * LINE
    const target = targets.find(({ contender }) => contender === value.contender)
    const ratio = value.ratio === undefined || value.contender === reference ? '' : ` · ${show(value.ratio)} ×`
    const ours = value.contender.startsWith('offloop')
    lines.push(
      text(LEFT - 8, y + 13, short(value.contender), 'end'),
      `<rect class="${ours ? 'ours' : 'other'}" x="${LEFT}" y="${y + 2}" width="${scaled(length(value))}" height="${LINE - 6}"/>`,
      text(LEFT + LENGTH + 10, y + 13, `${show(value.value)} ${value.unit}`.trimEnd() + ratio, 'quiet')
    )
    if (target !== undefined) {
      const x = (LEFT + Number(scaled(target.limit))).toFixed(1)
      lines.push(`<path class="target" d="M${x} ${y - 1}v${LINE - 1}"/>`)
    }
  })
  return lines
}

/**
 * @param {number} x
 * @param {number} y
 * @param {string} content
 * @param {string} style
 * @param {string} [more] further text in a quieter style
 */
function text(x, y, content, style, more) {
  const anchor = style === 'end' ? ' text-anchor="end"' : ` class="${style}"`
  const rest =
    more === undefined ? '' : `<tspan class="quiet" font-size="12" font-weight="400" dx="8">${escaped(more)}</tspan>`
  return `<text x="${x}" y="${y}"${anchor}>${escaped(content)}${rest}</text>`
}

/** @param {string} name */
function short(name) {
  return name.length <= NAME ? name : `${name.slice(0, NAME - 1)}…`
}

/** @type {Record<string, string>} */
const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' }

/** @param {string} content */
function escaped(content) {
  return content.replace(/[&<>"']/g, character => ENTITIES[character])
}

module.exports = { chart }
