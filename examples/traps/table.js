'use strict'

const { basename } = require('node:path')

/**
 * @typedef {import('./run').Result} Result
 * @typedef {import('./run').Measured} Measured
 * @typedef {import('./traps').Row} Row
 */

const WIDTHS = [44, 12, 12, 10]

/** @param {Result[]} results */
function table(results) {
  const lines = [line(['', 'naive', 'offloop', 'ratio'])]
  for (const { number, title, naive, offloop } of results) {
    lines.push('', `${number}  ${title}`)
    const after = rows(offloop)
    for (const [index, row] of rows(naive).entries()) {
      const other = after[index]
      lines.push(line([`   ${row.name}`, show(row.value), show(other.value), ratio(row, other)]))
    }
    lines.push(`   ${blocked(naive.longestBlock)}`)
  }
  lines.push(
    '',
    'ratio: how many times better offloop is',
    'offloop/watch: the longest block of the naive server, and its guilty line'
  )
  return `${lines.join('\n')}\n`
}

/** Describes the longest block of the naive server. @param {Measured['longestBlock']} block */
function blocked(block) {
  if (block === undefined) return 'offloop/watch: no block'
  const { duration, cause, request } = block
  const frames = block.samples.find(sample => sample.frames.length > 0)?.frames ?? []
  const guilty = frames.find(frame => frame.isUser)
  const where = guilty === undefined ? '' : ` at ${guilty.name} (${basename(guilty.file)}:${guilty.line})`
  const route = request === undefined ? '' : `, ${request.method} ${request.route}`
  return `offloop/watch: ${show(duration)} ms, ${cause}${where}${route}`
}

/**
 * @param {Measured} measured
 * @returns {Row[]}
 */
function rows({ ping, heavy, longestStop, rows }) {
  return [
    { name: '/ping requests/s', value: ping.perSecond, better: 'more' },
    { name: '/ping p50, ms', value: ping.p50, better: 'less' },
    { name: '/ping p99, ms', value: ping.p99, better: 'less' },
    { name: 'longest loop stop, ms', value: longestStop, better: 'less' },
    { name: 'heavy requests/s', value: heavy.perSecond, better: 'more' },
    { name: 'heavy requests refused (503)', value: heavy.refused },
    ...rows
  ]
}

/**
 * @param {Row} naive
 * @param {Row} offloop
 */
function ratio({ value: naive, better }, { value: offloop }) {
  const times = better === 'less' ? naive / offloop : offloop / naive
  return better === undefined || !Number.isFinite(times) ? '' : `${show(times)} ×`
}

/** @param {number} value */
function show(value) {
  const digits = Number.isInteger(value) || value >= 100 ? 0 : value >= 10 ? 1 : 2
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** @param {string[]} cells */
function line([first, ...cells]) {
  const [wide, ...widths] = WIDTHS
  return (first.padEnd(wide) + cells.map((cell, index) => cell.padStart(widths[index])).join('')).trimEnd()
}

module.exports = { table }
