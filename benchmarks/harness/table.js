'use strict'

/**
 * @typedef {ReturnType<typeof import('./machine.js').machine>} Machine
 * @typedef {import('./summary.js').Summary} Summary
 */

const WIDTHS = [26, 30, 18, 12]

const METHOD = 'median of rounds in which contenders take turns; ratio: median of those within a round'

/** @param {Machine} machine */
function heading(machine) {
  const load = machine.load.map(one => one.toFixed(2)).join(' ')
  return `${place(machine)}\n${packages(machine)}\nload average at the start: ${load}\n${METHOD}\n`
}

/** @param {Pick<Machine, 'machine'>} machine */
function place({ machine }) {
  return `${machine.cpu}, ${machine.cores} cores, ${Math.round(machine.memory / 2 ** 30)} GiB, ${machine.system}`
}

/** @param {Pick<Machine, 'versions'>} machine */
function packages({ versions }) {
  return Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')
}

/** @param {Summary} summary */
function table({ name, what, threads, reference, rounds, values, bars, failures }) {
  const against = reference === undefined ? '' : `ratio to ${reference}`
  const how = rounds === 0 ? '' : ` (${threads} threads, ${rounds} ${rounds === 1 ? 'round' : 'rounds'})`
  const lines = [`\n${name}: ${what}${how}`]
  let before = ''
  for (const { measure, unit, contender, value, ratio } of values) {
    const bar = bars.find(bar => bar.measure === measure && bar.contender === contender)
    const cells = [
      measure === before ? '' : measure,
      contender,
      `${show(value)} ${unit}`,
      ratio === undefined ? '' : `${show(ratio)} ×`
    ]
    const verdict = bar === undefined ? '' : `   ${verdictOf(bar)} (bar ${bar.text})`
    lines.push(`  ${line(cells)}${verdict}`.trimEnd())
    before = measure
  }
  for (const { contender, why } of failures) lines.push(`  ${contender} FAILED: ${why}`)
  lines.splice(1, 0, `  ${line(['', '', '', against])}`.trimEnd())
  return `${lines.filter(text => text !== '').join('\n')}\n`
}

/**
 * @param {import('./summary.js').Verdict} bar
 * @returns {'met' | 'MISSED' | 'FAILED'}
 */
function verdictOf({ met, reached }) {
  return reached === undefined ? 'FAILED' : met ? 'met' : 'MISSED'
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

module.exports = { METHOD, heading, packages, place, show, table, verdictOf }
