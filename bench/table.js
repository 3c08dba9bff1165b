'use strict'

/**
 * @typedef {ReturnType<typeof import('./machine.js').machine>} Machine
 * @typedef {import('./summary.js').Summary} Summary
 */

const WIDTHS = [26, 30, 18, 12]

/** @param {Machine} machine */
function heading({ machine, versions, load }) {
  const gigabytes = Math.round(machine.memory / 2 ** 30)
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`)
  return [
    `${machine.cpu}, ${machine.cores} cores, ${gigabytes} GiB, ${machine.system}`,
    packages.join(', '),
    `load average at the start: ${load.map(one => one.toFixed(2)).join(' ')}`,
    'median of rounds in which contenders take turns; ratio: median of those within a round',
    ''
  ].join('\n')
}

/** @param {Summary} summary */
function table({ name, what, threads, reference, rounds, values, bars }) {
  const against = reference === undefined ? '' : `ratio to ${reference}`
  const lines = [`\n${name}: ${what} (${threads} threads, ${rounds} ${rounds === 1 ? 'round' : 'rounds'})`]
  let before = ''
  for (const { measure, unit, contender, value, ratio } of values) {
    const bar = contender === 'offloop' ? bars.find(bar => bar.measure === measure) : undefined
    const cells = [
      measure === before ? '' : measure,
      contender,
      `${show(value)} ${unit}`,
      ratio === undefined ? '' : `${show(ratio)} ×`
    ]
    const verdict = bar === undefined ? '' : `   ${bar.met ? 'met' : 'MISSED'} (bar ${bar.text})`
    lines.push(`  ${line(cells)}${verdict}`.trimEnd())
    before = measure
  }
  lines.splice(1, 0, `  ${line(['', '', '', against])}`.trimEnd())
  return `${lines.filter(text => text !== '').join('\n')}\n`
}

/** @param {string[]} cells */
function line(cells) {
  return cells
    .map((cell, index) => (index < 2 ? cell.padEnd(WIDTHS[index]) : ` ${cell.padStart(WIDTHS[index])}`))
    .join('')
}

/** @param {number} value */
function show(value) {
  const digits = Number.isInteger(value) || value >= 1000 ? 0 : value >= 100 ? 1 : value >= 10 ? 2 : 3
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

module.exports = { heading, table }
