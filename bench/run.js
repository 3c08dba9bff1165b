'use strict'

// Measures offloop beside other packages.
//
//   npm run bench -- pool                    a group of rows
//   npm run bench -- pool --only flood       some of its rows; may be given several times
//   npm run bench -- pool --rounds 9         more rounds than the usual 5
//   npm run bench -- pool --json out.json    everything measured, as JSON

const { fork } = require('node:child_process')
const { readdirSync, writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { parseArgs } = require('node:util')
const { machine } = require('./machine.js')
const { summary } = require('./summary.js')
const { heading, table } = require('./table.js')

/**
 * @typedef {import('./row.js').Row} Row
 * @typedef {import('./row.js').Measured} Measured
 */

/** How long the process of a row may take to end by itself once it has measured. */
const GRACE = 10_000

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: 'string' },
      rounds: { type: 'string' },
      only: { type: 'string', multiple: true }
    }
  })
  const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
  if (rounds !== undefined && !(Number.isInteger(rounds) && rounds > 0)) {
    throw new Error(`--rounds takes a whole number above 0, not "${values.rounds}"`)
  }
  const chosen = select(positionals, values.only)
  const where = machine()
  process.stdout.write(heading(where))

  const results = []
  for (const { group, row } of chosen) {
    say(`measuring ${row.name}`)
    try {
      const result = summary(group, row, await measure(group, row, rounds))
      process.stdout.write(table(result))
      results.push(result)
    } catch (error) {
      // The others are worth having all the same.
      say(/** @type {Error} */ (error).message)
      process.exitCode = 1
    }
  }
  const missed = results.flatMap(({ bars }) => bars).filter(({ met }) => !met).length
  const bars = results.flatMap(({ bars }) => bars).length
  if (bars > 0) process.stdout.write(`\n${bars - missed} of ${bars} bars met\n`)
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ ...where, results }, null, 2)}\n`)
}

/**
 * @param {string[]} names of groups
 * @param {string[]} [only] names of rows
 * @returns {{ group: string, row: Row }[]}
 */
function select(names, only) {
  const groups = readdirSync(join(__dirname, 'groups'))
    .filter(file => file.endsWith('.js'))
    .map(file => file.slice(0, -'.js'.length))
  const known = `The groups are: ${groups.join(', ')}.`
  if (names.length === 0) throw new Error(`Name a group, as in \`npm run bench -- ${groups[0]}\`. ${known}`)
  const unknown = names.find(name => !groups.includes(name))
  if (unknown !== undefined) throw new Error(`There is no group "${unknown}". ${known}`)

  const all = [...new Set(names)].flatMap(group => {
    /** @type {{ rows: Row[] }} */
    const { rows } = require(join(__dirname, 'groups', group))
    return rows.map(row => ({ group, row }))
  })
  const missing = only?.find(name => !all.some(({ row }) => row.name === name))
  if (missing !== undefined) {
    throw new Error(`There is no row "${missing}". The rows are: ${all.map(({ row }) => row.name).join(', ')}.`)
  }
  return only === undefined ? all : all.filter(({ row }) => only.includes(row.name))
}

/**
 * Each row has a process of its own, so that none finds what another left behind.
 * @param {string} group
 * @param {Row} row
 * @param {number} [rounds]
 * @returns {Promise<Measured>}
 */
function measure(group, row, rounds = row.rounds ?? 5) {
  return new Promise((resolve, reject) => {
    const child = fork(join(__dirname, 'row.js'), [group, row.name, String(rounds)], {
      execArgv: ['--expose-gc'],
      serialization: 'advanced'
    })
    /** @type {Measured | undefined} */
    let measured
    /** @type {NodeJS.Timeout | undefined} */
    let grace
    const stop = () => child.kill('SIGKILL')
    process.once('exit', stop)
    child.on('message', message => {
      measured = /** @type {Measured} */ (message)
      grace = setTimeout(stop, GRACE)
    })
    child.on('error', reject)
    child.on('exit', (code, signal) => {
      clearTimeout(grace)
      process.off('exit', stop)
      if (code === 0 && measured !== undefined) resolve(measured)
      else if (measured !== undefined) reject(new Error(`${row.name}: its process did not end by itself`))
      else reject(new Error(`${row.name}: its process failed (${signal ?? `exit code ${code}`})`))
    })
  })
}

/** @param {string} text */
function say(text) {
  process.stderr.write(`${text}\n`)
}

process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))

main().catch(error => {
  say(error.message)
  process.exitCode = 1
})
