'use strict'

// All bars of a run in one table: as text, and as Markdown.

const { show, verdictOf } = require('./table.js')

/**
 * @typedef {import('./summary.js').Summary} Summary
 *
 * @typedef {object} Line
 * @property {string} row
 * @property {string} what
 * @property {string} own what offloop measured
 * @property {string} ratio to the reference
 * @property {string} reference
 * @property {string} bar
 * @property {'met' | 'MISSED' | 'FAILED'} verdict
 */

/**
 * @param {readonly Summary[]} results
 * @returns {Line[]}
 */
function lines(results) {
  return results.flatMap(({ name, what, reference, values, bars }) =>
    bars.map(bar => {
      const { measure, contender, text } = bar
      const of = (/** @type {string | undefined} */ wanted) =>
        values.find(value => value.measure === measure && value.contender === wanted)
      const own = of(contender)
      const other = of(reference)
      const which = contender === 'offloop' ? measure : `${measure} (${contender})`
      return {
        row: name,
        what: `${what}: ${which}`,
        own: own === undefined ? '' : amount(own),
        ratio: own?.ratio === undefined ? '' : `${show(own.ratio)} ×`,
        reference: other === undefined ? '' : `${other.contender} ${amount(other)}`,
        bar: text,
        verdict: verdictOf(bar)
      }
    })
  )
}

/** @param {{ value: number, unit: string }} measured */
function amount({ value, unit }) {
  return `${show(value)} ${unit}`.trimEnd()
}

/** @param {readonly Summary[]} results */
function barsAsText(results) {
  const all = lines(results)
  const head = {
    row: 'row',
    own: 'offloop',
    ratio: 'ratio',
    reference: 'reference',
    bar: 'bar',
    verdict: '',
    what: 'what'
  }
  const columns = /** @type {const} */ (['row', 'own', 'ratio', 'reference', 'bar', 'verdict', 'what'])
  const widths = columns.map(column => Math.max(...[head, ...all].map(line => line[column].length)))
  const text = [head, ...all].map(line =>
    columns
      .map((column, index) =>
        column === 'own' || column === 'ratio'
          ? line[column].padStart(widths[index])
          : line[column].padEnd(widths[index])
      )
      .join('  ')
      .trimEnd()
  )
  return `${text.join('\n')}\n${tally(results)}\n`
}

/** @param {readonly Summary[]} results */
function barsAsMarkdown(results) {
  const cells = lines(results).map(({ row, what, own, ratio, reference, bar, verdict }) => [
    `\`${row}\``,
    what,
    own,
    ratio,
    reference,
    bar,
    verdict === 'met' ? verdict : `**${verdict}**`
  ])
  const head = ['row', 'what', 'offloop', 'ratio', 'reference', 'bar', '']
  const rule = ['---', '---', '---:', '---:', '---', '---', '---']
  return [head, rule, ...cells].map(row => `| ${row.map(cell).join(' | ')} |`).join('\n')
}

/** @param {string} text */
function cell(text) {
  return text.replaceAll('|', '\\|')
}

/** @param {readonly Summary[]} results */
function tally(results) {
  const bars = results.flatMap(({ bars }) => bars)
  return `${bars.filter(({ met }) => met).length} of ${bars.length} bars met`
}

module.exports = { barsAsMarkdown, barsAsText, tally }
