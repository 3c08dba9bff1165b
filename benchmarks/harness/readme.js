'use strict'

// The parts of the results that README.md shows: a few rows, and a picture.

const { chart } = require('./chart.js')
const { amount, describeMachineAndNode, describeTime, markdownTable, origins, show } = require('./table.js')

/**
 * @typedef {import('./results.js').Results} Results
 * @typedef {import('./summary.js').Summary} Summary
 * @typedef {{ suite: string, name: string, measure: string, what: string }} Row
 */

const START = '<!-- bench -->'
const END = '<!-- /bench -->'
const LEGEND = 'Higher is better for throughput, lower for times.'

/** @type {Row} */
const PING = {
  suite: 'server',
  name: 'ping',
  measure: '/ping, p99',
  what: 'p99 of `GET /ping` while the server compresses 1 MB per request'
}

/** @type {Row[]} */
const ROWS = [
  PING,
  { suite: 'pool', name: 'flood', measure: 'throughput', what: 'tasks that do nothing' },
  {
    suite: 'catalogue',
    name: 'parse-records',
    measure: 'longest stop',
    what: 'longest stop while parsing 32 MB of JSON'
  },
  { suite: 'stream', name: 'gzip-6', measure: 'throughput', what: 'gzip of a stream' },
  {
    suite: 'stream',
    name: 'sha256',
    measure: 'throughput',
    what: 'SHA-256 of a stream, which createHash computes on the event loop'
  },
  { suite: 'cache', name: 'hit-get', measure: 'time', what: 'awaited cache hit' },
  { suite: 'cache', name: 'miss', measure: 'time', what: 'cache miss with an immediate loader' }
]

/**
 * Replaces the text between the two marks of a document by the rows of a run.
 * @param {string} document
 * @param {Results} run
 */
function intoDocument(document, run) {
  const start = document.indexOf(START)
  const end = document.indexOf(END)
  if (start < 0 || end < start) throw new Error(`The document must contain ${START} followed by ${END}`)
  return `${document.slice(0, start + START.length)}\n${section(run)}\n${document.slice(end)}`
}

/** @param {Results} run */
function section(run) {
  const shown = ROWS.flatMap(row => {
    const result = find(run, row)
    return result === undefined ? [] : [{ row, result }]
  })
  const results = shown.map(({ result }) => result)
  const [{ origin = run } = {}] = results
  const isOneRun = results.every(({ origin: other = run }) => other.date === origin.date)
  const own = [describeMachineAndNode(isOneRun ? origin : run), describeTime(isOneRun ? origin : run)]
  const runs = isOneRun ? [own] : [own, ...origins(results, name => `\`${name}\``)]
  const head = ['case', 'measured', 'offloop', 'reference', 'ratio']
  const rule = ['---', '---', '---:', '---', '---:']
  return [
    runs.map(lines => `${lines.join(', ')}.\n`).join('') + LEGEND,
    markdownTable(
      head,
      rule,
      shown.map(({ row, result }) => cells(row, result))
    )
  ].join('\n\n')
}

/**
 * @param {Results} run
 * @param {Row} row
 */
function find({ results }, { suite, name }) {
  return results.find(result => result.suite === suite && result.name === name)
}

/**
 * @param {Row} row
 * @param {Summary} result
 */
function cells({ name, measure, what }, { reference, values }) {
  const resultOf = (/** @type {string | undefined} */ contender) =>
    values.find(value => value.measure === measure && value.contender === contender)
  const [own, other] = [resultOf('offloop'), resultOf(reference)]
  return [
    `\`${name}\``,
    what,
    own === undefined ? '**FAILED**' : amount(own),
    other === undefined ? '' : `${other.contender} ${amount(other)}`,
    own?.ratio === undefined ? '' : `${show(own.ratio)} ×`
  ]
}

/**
 * Draws the response times of /ping.
 * @param {Results} run
 * @returns {Record<string, string>} the file by name; empty if the run lacks the case
 */
function picture(run) {
  const result = find(run, PING)
  if (result === undefined) return {}
  const values = result.values.flatMap(value =>
    value.measure === PING.measure ? [{ ...value, ratio: undefined }] : []
  )
  const origin = result.origin ?? run
  const title = PING.what.replaceAll('`', '')
  const subtitles = [describeMachineAndNode(origin), describeTime(origin)]
  return { 'under-load.svg': chart(title, [{ ...result, values, targets: [] }], subtitles) }
}

module.exports = { intoDocument, picture }
