'use strict'

// Shows all targets of a run in one table, as text and as Markdown.

const { amount, markdownTable, show, verdictOf } = require('./table.js')

/**
 * @typedef {import('./summary.js').Summary} Summary
 *
 * @typedef {object} Line
 * @property {string} name of the case
 * @property {string} what
 * @property {string} own value of offloop
 * @property {string} ratio to the reference
 * @property {string} reference
 * @property {string} target
 * @property {'met' | 'MISSED' | 'FAILED'} verdict
 */

/**
 * @param {readonly Summary[]} results
 * @returns {Line[]}
 */
function lines(results) {
  return results.flatMap(({ name, what, reference, values, targets }) =>
    targets.map(target => {
      const { measure, contender, text } = target
      const resultOf = (/** @type {string | undefined} */ name) =>
        values.find(value => value.measure === measure && value.contender === name)
      const own = resultOf(contender)
      const other = resultOf(reference)
      const label = contender === 'offloop' ? measure : `${measure} (${contender})`
      return {
        name,
        what: `${what}: ${label}`,
        own: own === undefined ? '' : amount(own),
        ratio: own?.ratio === undefined ? '' : `${show(own.ratio)} ×`,
        reference: other === undefined ? '' : `${other.contender} ${amount(other)}`,
        target: text,
        verdict: verdictOf(target)
      }
    })
  )
}

/** @param {readonly Summary[]} results */
function targetsAsText(results) {
  const all = lines(results)
  const head = {
    name: 'case',
    own: 'offloop',
    ratio: 'ratio',
    reference: 'reference',
    target: 'target',
    verdict: '',
    what: 'measured'
  }
  const columns = /** @type {const} */ (['name', 'own', 'ratio', 'reference', 'target', 'verdict', 'what'])
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
function targetsAsMarkdown(results) {
  const cells = lines(results).map(({ name, what, own, ratio, reference, target, verdict }) => [
    `\`${name}\``,
    what,
    own,
    ratio,
    reference,
    target,
    verdict === 'met' ? verdict : `**${verdict}**`
  ])
  const head = ['case', 'measured', 'offloop', 'ratio', 'reference', 'target', '']
  const rule = ['---', '---', '---:', '---:', '---', '---', '---']
  return markdownTable(head, rule, cells)
}

/** @param {readonly Summary[]} results */
function tally(results) {
  const targets = results.flatMap(({ targets }) => targets)
  return `${targets.filter(({ met }) => met).length} of ${targets.length} targets met`
}

module.exports = { targetsAsMarkdown, targetsAsText, tally }
