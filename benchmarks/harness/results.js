'use strict'

// The files of the results: all measurements, and the charts and tables made from them.

const { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { chart } = require('./chart.js')
const { lineOf, newestFirst, overview } = require('./lines.js')
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
 * Returns the measurements and targets of each line, an overview, and the charts of the newest line.
 * @param {readonly Results[]} runs one for each line, newest first
 * @returns {Record<string, string>} files by name
 */
function files(runs) {
  const [newest] = runs
  const ofLines = runs.flatMap(run => {
    const name = `node-${lineOf(run)}`
    const charts = run === newest ? suitesOf(run) : []
    return [
      [`${name}.json`, `${JSON.stringify(run, null, 2)}\n`],
      [`${name}.md`, `# Results of Node ${lineOf(run)}\n\n${heading(run, charts)}\n\n${table(run)}\n`]
    ]
  })
  const charts = suitesOf(newest).map(suite => {
    const cases = newest.results.filter(result => result.suite === suite)
    const subtitles = [describeMachineAndNode(newest), describeTime(newest), ...origins(cases).flat()]
    return [`${suite}.svg`, chart(`offloop: ${suite}`, cases, subtitles)]
  })
  return {
    'summary.md': overview(runs),
    ...Object.fromEntries([...ofLines, ...charts]),
    ...picture(newest)
  }
}

/** @param {Results} run */
function suitesOf({ results }) {
  return [...new Set(results.map(({ suite }) => suite))]
}

/**
 * @param {Results} run
 * @param {readonly string[]} charts suites that have a chart
 */
function heading(run, charts) {
  const links = charts.map(suite => `[${suite}](${suite}.svg)`)
  const data = `node-${lineOf(run)}.json`
  return [
    `- ${describeMachine(run)}`,
    `- ${describeVersions(run)}`,
    `- ${describeTime(run)}; it took ${Math.round(run.seconds / 60)} minutes`,
    ...origins(run.results).map(lines => `- ${lines.join(', ')}`),
    `- ${run.method}`,
    ...(links.length > 0 ? [`- charts: ${links.join(', ')}`] : []),
    `- every round: [${data}](${data}); other lines: [summary](summary.md)`
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
 * Reads the results of all lines.
 * @param {string} folder
 * @returns {Results[]} newest line first
 */
function read(folder) {
  const names = readdirSync(folder).filter(name => /^node-\d+\.json$/.test(name))
  return newestFirst(names.map(name => JSON.parse(readFileSync(join(folder, name), 'utf8'))))
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

module.exports = { files, gather, merge, read, write }
