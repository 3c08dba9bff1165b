'use strict'

// Generates the files of the results: all measurements, and the charts and tables made from them.

const { mkdirSync, renameSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { chart } = require('./chart.js')
const { picture } = require('./readme.js')
const { SUITES } = require('./suites.js')
const {
  METHOD,
  describeMachine,
  describeMachineAndNode,
  describeTime,
  describeVersions,
  origins
} = require('./table.js')
const { targetsAsMarkdown, tally } = require('./targets.js')

/**
 * @typedef {import('./summary.js').Summary} Summary
 * @typedef {ReturnType<typeof import('./machine.js').machine>} Machine
 * @typedef {Machine & { method: string, seconds: number, results: Summary[] }} Results
 */

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
 * Replaces cases of a run by those of a later run, or adds them. Each keeps its own machine, versions and date.
 * @param {Results} run
 * @param {Results} later
 * @returns {Results}
 */
function merge(run, { results, machine, versions, load, date }) {
  const later = results.map(result => ({ ...result, origin: { machine, versions, load, date } }))
  // A replaced case keeps its position.
  const cases = new Map([...run.results, ...later].map(result => [`${result.suite} ${result.name}`, result]))
  const position = (/** @type {Summary} */ { suite }) => SUITES.indexOf(suite)
  return { ...run, results: [...cases.values()].sort((a, b) => position(a) - position(b)) }
}

/**
 * @param {Results} run
 * @returns {Record<string, string>} files by name
 */
function files(run) {
  const suites = [...new Set(run.results.map(({ suite }) => suite))]
  const charts = suites.map(suite => {
    const cases = run.results.filter(result => result.suite === suite)
    const subtitles = [describeMachineAndNode(run), describeTime(run), ...origins(cases).flat()]
    return [`${suite}.svg`, chart(`offloop: ${suite}`, cases, subtitles)]
  })
  return {
    'results.json': `${JSON.stringify(run, null, 2)}\n`,
    'summary.md': `# Results and targets\n\n${heading(run)}\n\n${table(run)}\n`,
    ...Object.fromEntries(charts),
    ...picture(run)
  }
}

/** @param {Results} run */
function heading(run) {
  const charts = [...new Set(run.results.map(({ suite }) => suite))].map(suite => `[${suite}](${suite}.svg)`)
  return [
    `- ${describeMachine(run)}`,
    `- ${describeVersions(run)}`,
    `- ${describeTime(run)}; it took ${Math.round(run.seconds / 60)} minutes`,
    ...origins(run.results).map(lines => `- ${lines.join(', ')}`),
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

module.exports = { files, gather, merge, write }
