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
  return `${describeMachine(machine)}\n${describeVersions(machine)}\nload average at the start: ${load}\n${METHOD}\n`
}

/** @param {Pick<Machine, 'machine'>} machine */
function describeMachine({ machine }) {
  return `${machine.cpu}, ${machine.cores} cores, ${Math.round(machine.memory / 2 ** 30)} GiB, ${machine.system}`
}

/** @param {Machine} machine */
function describeMachineAndNode(machine) {
  return `${describeMachine(machine)}, node ${machine.versions.node}`
}

/** @param {Pick<Machine, 'date' | 'load'>} machine */
function describeTime({ date, load }) {
  return `${date.slice(0, 16).replace('T', ' ')} UTC, load average at the start ${load.map(one => one.toFixed(2)).join(' ')}`
}

/**
 * Describes the runs of merged cases, in two lines each.
 * @param {readonly import('./summary.js').Summary[]} results
 * @param {(name: string) => string} [quote]
 */
function origins(results, quote = name => name) {
  /** @type {Map<string, { names: string[], lines: [string, string] }>} */
  const runs = new Map()
  for (const { name, origin } of results) {
    if (origin === undefined) continue
    const lines = /** @type {[string, string]} */ ([describeMachineAndNode(origin), describeTime(origin)])
    const run = runs.get(lines.join()) ?? { names: [], lines }
    runs.set(lines.join(), { ...run, names: [...run.names, quote(name)] })
  }
  return [...runs.values()].map(({ names, lines: [machine, time] }) => [`${names.join(', ')}: ${machine}`, time])
}

/** @param {Pick<Machine, 'versions'>} machine */
function describeVersions({ versions }) {
  return Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')
}

/** @param {Summary} summary */
function table({ name, what, threads, reference, rounds, values, targets, failures }) {
  const against = reference === undefined ? '' : `ratio to ${reference}`
  const details = rounds === 0 ? '' : ` (${threads} threads, ${rounds} ${rounds === 1 ? 'round' : 'rounds'})`
  const lines = [`\n${name}: ${what}${details}`]
  let before = ''
  for (const { measure, unit, contender, value, ratio } of values) {
    const target = targets.find(target => target.measure === measure && target.contender === contender)
    const cells = [
      measure === before ? '' : measure,
      contender,
      `${show(value)} ${unit}`,
      ratio === undefined ? '' : `${show(ratio)} ×`
    ]
    const verdict = target === undefined ? '' : `   ${verdictOf(target)} (target ${target.text})`
    lines.push(`  ${line(cells)}${verdict}`.trimEnd())
    before = measure
  }
  for (const { contender, why } of failures) lines.push(`  ${contender} FAILED: ${why}`)
  lines.splice(1, 0, `  ${line(['', '', '', against])}`.trimEnd())
  return `${lines.filter(text => text !== '').join('\n')}\n`
}

/**
 * @param {import('./summary.js').Verdict} target
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

/** @param {{ value: number, unit: string }} measured */
function amount({ value, unit }) {
  return `${show(value)} ${unit}`.trimEnd()
}

/**
 * @param {readonly string[]} head
 * @param {readonly string[]} rule alignment of the columns
 * @param {readonly string[][]} rows
 */
function markdownTable(head, rule, rows) {
  const escaped = rows.map(row => row.map(cell => cell.replaceAll('|', '\\|')))
  return [head, rule, ...escaped].map(row => `| ${row.join(' | ')} |`).join('\n')
}

module.exports = {
  METHOD,
  amount,
  describeMachine,
  describeMachineAndNode,
  describeTime,
  describeVersions,
  heading,
  markdownTable,
  origins,
  show,
  table,
  verdictOf
}
