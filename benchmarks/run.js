'use strict'

// Compares offloop with other packages.
//
//   npm run bench                            everything under the newest line of Node.js, written to benchmarks/results/
//   npm run bench -- --node 24               another line: 20, 22, 24 or 26
//   npm run bench -- pool                    a suite
//   npm run bench -- pool --only flood       some of its cases; may be given several times
//   npm run bench -- --rounds 9              more rounds
//   npm run bench -- --json out.json         all measurements as JSON
//   npm run bench -- pool --merge            replaces these cases of the line in benchmarks/results/
//   npm run bench -- --readme                measures nothing: regenerates charts, tables and README.md from benchmarks/results/

const { readFileSync } = require('node:fs')
const { dirname, basename, join } = require('node:path')
const { performance } = require('node:perf_hooks')
const { parseArgs } = require('node:util')
const { NEWEST_LINE, NODE_LINES, lineOf } = require('../scripts/lib/runtimes.js')
const { targetsAsText } = require('./harness/targets.js')
const { withRun } = require('./harness/lines.js')
const { machine } = require('./harness/machine.js')
const { measure } = require('./harness/measure.js')
const { intoDocument } = require('./harness/readme.js')
const { files, gather, merge: merged, read, write } = require('./harness/results.js')
const { select } = require('./harness/suites.js')
const { failedCase, summary } = require('./harness/summary.js')
const { heading, table } = require('./harness/table.js')

/** @typedef {import('./harness/summary.js').Summary} Summary */

const RESULTS = join(__dirname, 'results')
const README = join(__dirname, '..', 'README.md')
/** Default number of rounds: the full run has to fit into a quarter of an hour. */
const ROUNDS = { part: 5, full: 3 }

/**
 * @param {string[]} args
 * @returns {Promise<number>} the exit code
 */
async function main(args) {
  const { node, suites, only, rounds, json, merge, readme } = options(args)
  if (readme) return rewrite()
  const running = lineOf(process.versions.node)
  if (node !== running) throw new Error(`This is Node.js ${running}: use \`npm run bench -- --node ${node}\``)

  const begin = performance.now()
  const chosen = select(suites, only)
  const isFull = suites.length === 0 && only === undefined
  const environment = machine()
  process.stdout.write(heading(environment))
  /** @type {Summary[]} */
  const results = []
  for (const { suite, benchmark } of chosen) {
    process.stderr.write(`measuring ${benchmark.name}\n`)
    const result = await measured(
      { suite, benchmark },
      rounds ?? benchmark.rounds ?? (isFull ? ROUNDS.full : ROUNDS.part)
    )
    process.stdout.write(table(result))
    results.push(result)
  }

  if (results.some(({ targets }) => targets.length > 0)) process.stdout.write(`\n${targetsAsText(results)}`)
  const run = gather(environment, results, (performance.now() - begin) / 1000)
  if (isFull) write(RESULTS, files(withRun(read(RESULTS), run)))
  if (merge) write(RESULTS, files(withRun(read(RESULTS), run, merged)))
  if (json !== undefined) write(dirname(json), { [basename(json)]: `${JSON.stringify(run, null, 2)}\n` })
  return results.some(({ failures }) => failures.length > 0) ? 1 : 0
}

/** @param {string[]} args */
function options(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      node: { type: 'string', default: String(NEWEST_LINE) },
      json: { type: 'string' },
      merge: { type: 'boolean', default: false },
      readme: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      only: { type: 'string', multiple: true }
    }
  })
  const { only, json, merge, readme } = values
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) {
    throw new Error(`--rounds must be a positive integer. Received "${values.rounds}"`)
  }
  const node = NODE_LINES.find(line => String(line) === values.node)
  if (node === undefined) throw new Error(`--node must be one of ${NODE_LINES.join(', ')}. Received "${values.node}"`)
  if (readme && args.length > 1) throw new Error('--readme cannot be combined with other arguments')
  if (merge && positionals.length === 0 && only === undefined) throw new Error('--merge needs a suite or --only')
  return { node, suites: positionals, only, rounds, json, merge, readme }
}

/**
 * Measures one case. Returns a failure instead of throwing, so that the other cases are measured.
 * @param {import('./harness/suites.js').Chosen} chosen
 * @param {number} rounds
 */
async function measured({ suite, benchmark }, rounds) {
  const begin = performance.now()
  try {
    const result = summary(suite, benchmark, await measure({ suite, benchmark }, rounds))
    return { ...result, seconds: (performance.now() - begin) / 1000 }
  } catch (error) {
    return failedCase(suite, benchmark, /** @type {Error} */ (error).message)
  }
}

/** Regenerates the files of the committed results. */
function rewrite() {
  const runs = read(RESULTS)
  write(RESULTS, files(runs))
  write(dirname(README), { 'README.md': intoDocument(readFileSync(README, 'utf8'), runs[0]) })
  return 0
}

module.exports = { main, options }

if (require.main === module) require('../scripts/lib/process.js').start(() => main(process.argv.slice(2)))
