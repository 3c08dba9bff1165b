'use strict'

// Generates the files of a full run: all measurements, and the charts and tables made from them.

const { mkdirSync, renameSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { targetsAsMarkdown, tally } = require('./targets.js')
const { chart } = require('./chart.js')
const { METHOD, describeVersions, describeMachine } = require('./table.js')

/**
 * @typedef {import('./summary.js').Summary} Summary
 * @typedef {ReturnType<typeof import('./machine.js').machine>} Machine
 * @typedef {Machine & { method: string, seconds: number, results: Summary[] }} Results
 */

const START = '<!-- bench -->'
const END = '<!-- /bench -->'

/**
 * @param {Machine} machine state at the start
 * @param {readonly Summary[]} results
 * @param {number} seconds total duration
 * @returns {Results}
 */
function gather(machine, results, seconds) {
  return { ...machine, method: METHOD, seconds: Math.round(seconds), results: [...results] }
}

/**
 * @param {Results} run
 * @returns {Record<string, string>} files by name
 */
function files(run) {
  const suites = [...new Set(run.results.map(({ suite }) => suite))]
  const charts = suites.map(suite => {
    const cases = run.results.filter(result => result.suite === suite)
    return [`${suite}.svg`, chart(suite, cases, [`${describeMachine(run)}, node ${run.versions.node}`, when(run)])]
  })
  return {
    'results.json': `${JSON.stringify(run, null, 2)}\n`,
    'summary.md': `# What offloop reaches\n\n${heading(run)}\n\n${table(run)}\n`,
    ...Object.fromEntries(charts)
  }
}

/** @param {Results} run */
function heading(run) {
  const charts = [...new Set(run.results.map(({ suite }) => suite))].map(suite => `[${suite}](${suite}.svg)`)
  return [
    `- ${describeMachine(run)}`,
    `- ${describeVersions(run)}`,
    `- ${when(run)}; it took ${Math.round(run.seconds / 60)} minutes`,
    `- ${run.method}`,
    `- charts: ${charts.join(', ')}; every round: [results.json](results.json)`
  ].join('\n')
}

/** @param {Results} run */
function table({ results }) {
  const failures = results.flatMap(({ name, failures }) =>
    failures.map(({ contender, why }) => `- \`${name}\`: ${contender} failed: ${why.split('\n')[0]}`)
  )
  return [targetsAsMarkdown(results), `${tally(results)}.`, ...(failures.length > 0 ? [failures.join('\n')] : [])].join(
    '\n\n'
  )
}

/** @param {Results} run */
function when({ date, load }) {
  return `${date.slice(0, 16).replace('T', ' ')} UTC, load average at the start ${load.map(one => one.toFixed(2)).join(' ')}`
}

/**
 * Replaces the text between the two marks of a document by the table of a run.
 * @param {string} document
 * @param {Results} run
 */
function intoDocument(document, run) {
  const start = document.indexOf(START)
  const end = document.indexOf(END)
  if (start < 0 || end < start) throw new Error(`The document must contain ${START} followed by ${END}`)
  const caption = `${describeMachine(run)}, node ${run.versions.node}, ${when(run)}:`
  return `${document.slice(0, start + START.length)}\n${caption}\n\n${table(run)}\n${document.slice(end)}`
}

/**
 * Replaces files atomically.
 * @param {string} folder
 * @param {Record<string, string>} contents by name
 */
function write(folder, contents) {
  mkdirSync(folder, { recursive: true })
  for (const [name, content] of Object.entries(contents)) writeFileSync(join(folder, `${name}.part`), content)
  for (const name of Object.keys(contents)) renameSync(join(folder, `${name}.part`), join(folder, name))
}

module.exports = { files, gather, intoDocument, write }
