'use strict'

// Runs the traps: for each, a server with the naive handler under load, then the same with offloop.
//
//   npm start                      all traps
//   npm start -- 6 await-loop      selected ones, by number or name
//   npm start -- --json out.json   writes the results as JSON too
//   npm start -- --seconds 2       duration of the load for each side

const { mkdtempSync, rmSync, writeFileSync } = require('node:fs')
const { request } = require('node:http')
const { tmpdir } = require('node:os')
const { join } = require('node:path')
const { isDeepStrictEqual, parseArgs } = require('node:util')
const { Child } = require('./child')
const { table } = require('./table')
const { verdicts } = require('./verdicts')
const { select } = require('./traps')

/**
 * @typedef {import('./traps').Trap} Trap
 * @typedef {'naive' | 'offloop'} Side
 *
 * @typedef {object} Measured
 * @property {import('./load').Answered} ping
 * @property {import('./load').Answered} heavy
 * @property {number} longestStop of the event loop, in milliseconds
 * @property {import('offloop/watch').Block} [longestBlock] as `offloop/watch` reported it
 * @property {import('./traps').Finding[]} findings of the doctor
 * @property {import('./traps').Row[]} rows
 *
 * @typedef {{ number: number, name: string, title: string, naive: Measured, offloop: Measured }} Result
 */

const WARM_UP = 1
const SECONDS = 5
/** A trap with a fixed number of requests may take this many times longer. */
const PATIENCE = 3

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'string' }, seconds: { type: 'string', default: String(SECONDS) } }
  })
  const seconds = Number(values.seconds)
  if (!(seconds > 0)) throw new Error(`--seconds takes a number above 0, not "${values.seconds}"`)

  /** @type {Result[]} */
  const results = []
  for (const { trap, file } of select(positionals)) {
    const { number, name, title } = trap
    log(`${number} ${name}: ${title}`)
    const naive = await side(trap, file, 'naive', seconds)
    const offloop = await side(trap, file, 'offloop', seconds)
    if (!isDeepStrictEqual(naive.answers, offloop.answers)) {
      throw new Error(`${name}: naive and offloop do not give the same answers`)
    }
    log('  both give the same answers')
    results.push({ number, name, title, naive: naive.measured, offloop: offloop.measured })
  }
  process.stdout.write(`\n${table(results)}\n${verdicts(results)}`)
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ seconds, results }, null, 2)}\n`)
}

/**
 * @param {Trap} trap
 * @param {string} file
 * @param {Side} side
 * @param {number} seconds
 * @returns {Promise<{ answers: unknown[], measured: Measured }>}
 */
async function side(trap, file, side, seconds) {
  const label = `  ${side.padEnd(7)}`
  const { paths, connections = 4, requests, rate, upload } = trap
  const server = new Child(join(__dirname, 'server.js'), [file, side])
  const load = new Child(join(__dirname, 'load.js'))
  const directory = temporaryDirectory()
  try {
    const port = await server.ask('listen', directory.path)
    const answers = []
    for (const path of paths) answers.push(await Promise.race([answer(trap, port, path), server.lost]))

    // With a fixed number of requests the trap measures their effects, so no warm-up may add to them.
    if (requests === undefined) {
      log(`${label} warms up for ${WARM_UP} s`)
      await Promise.race([
        load.ask('load', { port, paths, connections, rate, upload: upload?.length, seconds: WARM_UP }),
        server.lost
      ])
    }
    const max = requests === undefined ? seconds : seconds * PATIENCE
    const until = requests === undefined ? `for ${max} s` : `for ${requests} requests or ${max} s`
    log(`${label} is loaded ${until}`)
    await server.ask('begin')
    const loaded = load.ask('load', { port, paths, connections, rate, upload: upload?.length, seconds: max, requests })
    const answered = await Promise.race([loaded, server.lost])
    if (answered.heavy.perSecond === 0) throw new Error(`${trap.name}: ${side} answered nothing in ${max} s`)
    const after = await server.ask('end')

    const again = await Promise.race([answer(trap, port, paths[0]), server.lost])
    if (!isDeepStrictEqual(again, answers[0])) throw new Error(`${trap.name}: ${side} answers differently after load`)
    return { answers, measured: { ...answered, ...after } }
  } finally {
    await Promise.all([server.stop(), load.stop()])
    directory.remove()
  }
}

/** Removed when the process ends, if not earlier. */
function temporaryDirectory() {
  const path = mkdtempSync(join(tmpdir(), 'offloop-trap-'))
  const remove = () => {
    process.off('exit', remove)
    rmSync(path, { recursive: true, force: true, maxRetries: 10 })
  }
  process.on('exit', remove)
  return { path, remove }
}

/**
 * @param {Trap} trap
 * @param {number} port
 * @param {string} path
 * @returns {Promise<unknown>}
 */
function answer(trap, port, path) {
  return new Promise((resolve, reject) => {
    const method = trap.upload === undefined ? 'GET' : 'POST'
    const asked = request({ host: '127.0.0.1', port, path, method, agent: false }, async response => {
      try {
        const body = Buffer.concat(await response.toArray())
        if (response.statusCode !== 200) throw new Error(`${trap.name}: ${path} has status ${response.statusCode}`)
        if (body.length === 0) throw new Error(`${trap.name}: ${path} is empty`)
        resolve(trap.open(body, response.headers))
      } catch (error) {
        reject(error)
      }
    })
    asked.on('error', reject)
    asked.end(trap.upload)
  })
}

/** @param {string} text */
function log(text) {
  process.stderr.write(`${text}\n`)
}

process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))

main().catch(error => {
  log(error.message)
  process.exitCode = 1
})
