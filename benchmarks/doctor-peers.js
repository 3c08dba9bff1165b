'use strict'

// Compares the doctor with other tools on servers of examples/doctor.
//
//   node benchmarks/doctor-peers.js                           all servers and tools, in about a quarter of an hour
//   node benchmarks/doctor-peers.js t1 n1 --tool '0x'         some of them; each may be given several times
//   node benchmarks/doctor-peers.js --render                  measures nothing: writes the tables again
//
// The observations are added to benchmarks/results/doctor-peers.json, for the running line of Node.js; the tables there and in
// docs/doctor.md are generated from them. clinic and 0x are installed into target/peers, the other packages are those of
// benchmarks/package.json.

const { existsSync, readFileSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { parseArgs } = require('node:util')
const { version } = require('../package.json')
const { root, start } = require('../scripts/lib/process.js')
const { lineOf } = require('../scripts/lib/runtimes.js')
const { machine } = require('./harness/machine.js')
const { observeDoctor, observePeer } = require('./peers/observe.js')
const { OFFLOOP, SERVERS, intoDocument, page, verdictOf } = require('./peers/tables.js')
const { PEERS, installLarge } = require('./peers/tools.js')

/** @typedef {import('./peers/tables').Run} Run */

const RESULTS = join(__dirname, 'results')
const DATA = join(RESULTS, 'doctor-peers.json')
const PAGE = join(RESULTS, 'doctor-peers.md')
const DOCUMENT = join(root, 'docs', 'doctor.md')
const TOOLS = [OFFLOOP, ...Object.keys(PEERS)]

/** @returns {Run[]} newest line first */
function read() {
  return existsSync(DATA) ? JSON.parse(readFileSync(DATA, 'utf8')).runs : []
}

/** Returns the run of this line. @param {Run[]} runs */
function runOf(runs) {
  const line = lineOf(process.versions.node)
  const versions = {
    [OFFLOOP]: version,
    ...Object.fromEntries(Object.entries(PEERS).map(([name, it]) => [name, it.version]))
  }
  const known = runs.find(({ node }) => lineOf(node) === line)
  const { machine: hardware, date } = machine()
  return { observations: {}, ...known, node: process.versions.node, machine: hardware, date, versions }
}

/** @param {Run[]} runs */
function write(runs) {
  writeFileSync(DATA, `${JSON.stringify({ runs }, null, 2)}\n`)
  render(runs)
}

/** @param {Run[]} runs */
function render(runs) {
  writeFileSync(PAGE, page(runs))
  writeFileSync(DOCUMENT, intoDocument(readFileSync(DOCUMENT, 'utf8'), runs))
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { tool: { type: 'string', multiple: true, default: TOOLS }, render: { type: 'boolean', default: false } }
  })
  if (values.render) return render(read())
  const unknown = values.tool.find(name => !TOOLS.includes(name))
  if (unknown !== undefined) throw new Error(`There is no tool "${unknown}". The tools are: ${TOOLS.join(', ')}.`)
  const chosen = (positionals.length === 0 ? SERVERS : positionals).map(verdictOf)
  await installLarge()
  for (const verdict of chosen) {
    for (const tool of values.tool) {
      const began = performance.now()
      const observation = await (tool === OFFLOOP ? observeDoctor(verdict) : observePeer(PEERS[tool], verdict))
      process.stdout.write(
        `${verdict.name} ${tool}: ${JSON.stringify(observation)}, ${((performance.now() - began) / 1000).toFixed(1)} s\n`
      )
      // Each is written when it is complete, so that an interrupted run loses none.
      const others = read()
      const run = runOf(others)
      run.observations[verdict.name] = { ...run.observations[verdict.name], [tool]: observation }
      const line = lineOf(run.node)
      const runs = [...others.filter(({ node }) => lineOf(node) !== line), run]
      write(runs.sort((one, other) => lineOf(other.node) - lineOf(one.node)))
    }
  }
}

if (require.main === module) start(main)
