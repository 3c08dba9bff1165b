'use strict'

// Runs the doctor on each server of examples/doctor, and compares its findings with the verdicts. Prints each difference, recall and
// precision.
//
// npm run soak -- doctor-corpus [--repeat N] [--healthy] [--jobs N] [--neighbours N] [--quota] [NAME...]
//
// --healthy: only servers without findings. --jobs: runs side by side. --neighbours: processes that use a core each.
// --quota: each server has a quarter of a core.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { mkdtempSync, readFileSync, rmSync } = require('node:fs')
const { tmpdir } = require('node:os')
const { basename, join } = require('node:path')
const { text } = require('node:stream/consumers')
const { parseArgs } = require('node:util')
const verdicts = require('../../examples/doctor/verdicts')
const { QuarterCore } = require('./quarter-core')
const { Builds, guiltyLine, obstacle, optionsOf, root } = require('../../examples/doctor/support/corpus')

/**
 * @typedef {import('../../examples/doctor/verdicts').Verdict} Verdict
 * @typedef {import('../../doctor').Finding} Finding
 */

const BIN = join(root, 'bin', 'offloop.js')
/** Least recall, precision and share of exact lines. */
const LEAST = /** @type {const} */ ({ recall: 0.95, precision: 0.95, line: 0.9 })
/** Longest run, in milliseconds. */
const PATIENCE = 120_000

/**
 * Returns the findings of a run, and its exit code.
 * @param {Verdict} verdict
 * @param {Builds} builds
 * @param {QuarterCore} [group]
 */
async function examine(verdict, builds, group) {
  const directory = mkdtempSync(join(tmpdir(), 'offloop-corpus-'))
  const args = ['doctor', ...optionsOf(verdict), '--warmup', '1', '--format', 'json', '-o', directory, '--']
  const enter = group === undefined ? [] : ['/bin/sh', '-c', `echo $$ > ${group.processes} && exec "$@"`, 'sh']
  const command = [...enter, process.execPath, ...(await builds.commandOf(verdict))]
  const child = spawn(process.execPath, [BIN, ...args, ...command], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: PATIENCE,
    env: { ...process.env, PORT: '0' }
  })
  try {
    const [errors, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
    const report = readReport(join(directory, 'doctor.json'))
    return { code, report, errors }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/**
 * @param {string} path
 * @returns {import('../../doctor').Report | undefined}
 */
function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

/** @param {Finding} finding */
function show({ rule, id, confidence, function: name, file, line, evidence }) {
  return `${rule} ${id} (${confidence}) ${name} ${basename(file)}:${line}: ${evidence.text}`
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      repeat: { type: 'string', default: '1' },
      jobs: { type: 'string', default: '1' },
      neighbours: { type: 'string', default: '0' },
      healthy: { type: 'boolean', default: false },
      quota: { type: 'boolean', default: false }
    }
  })
  const chosen = verdicts.filter(
    ({ name, findings }) =>
      (positionals.length === 0 || positionals.includes(name)) && !(values.healthy && findings.length > 0)
  )
  const builds = new Builds()
  const counts = { runs: 0, expected: 0, found: 0, reported: 0, lines: 0 }
  const runs = chosen.flatMap(verdict => {
    const reason = obstacle(verdict)
    if (reason === undefined) return Array.from({ length: Number(values.repeat) }, () => verdict)
    process.stdout.write(`${verdict.name}: skipped, ${reason}\n`)
    return []
  })
  const neighbours = Array.from({ length: Number(values.neighbours) }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'])
  )
  const work = async () => {
    const group = values.quota ? QuarterCore.make() : undefined
    if (values.quota && group === undefined) throw new Error('this process may not make control groups')
    for (let verdict = runs.shift(); verdict !== undefined; verdict = runs.shift()) {
      await judge(verdict, builds, counts, group)
    }
    group?.remove()
  }
  await Promise.all(Array.from({ length: Number(values.jobs) }, work))
  for (const neighbour of neighbours) neighbour.kill()
  builds.close()
  // Without findings there is nothing to miss, and nothing wrong.
  const share = (/** @type {number} */ part, /** @type {number} */ whole) => (whole === 0 ? 1 : part / whole)
  const recall = share(counts.found, counts.expected)
  const precision = share(counts.found, counts.reported)
  const line = share(counts.lines, counts.found)
  process.stdout.write(`${JSON.stringify({ node: process.version, ...counts, recall, precision, line })}\n`)
  if (recall < LEAST.recall || precision < LEAST.precision || line < LEAST.line) process.exitCode = 1
}

/**
 * @param {Verdict} verdict
 * @param {Builds} builds
 * @param {{ runs: number, expected: number, found: number, reported: number, lines: number }} counts
 * @param {QuarterCore} [group]
 */
async function judge(verdict, builds, counts, group) {
  const { code, report, errors } = await examine(verdict, builds, group)
  const findings = report?.findings.filter(({ confidence }) => confidence !== 'possible') ?? []
  const matched = verdict.findings.map(expected => {
    const { rule, id, function: name } = expected
    const found = findings.find(finding => finding.rule === rule && finding.id === id)
    const line = guiltyLine(verdict, expected)
    const isExact = line === undefined || (found?.file === line.file && found.line === line.line)
    return { expected, found, isExact: isExact && (name === undefined || found?.function === name) }
  })
  const missed = matched.filter(({ found }) => found === undefined)
  const inexact = matched.filter(({ found, isExact }) => found !== undefined && !isExact)
  const wrong = findings.filter(finding => !matched.some(({ found }) => found === finding))
  counts.runs++
  counts.expected += matched.length
  counts.found += matched.length - missed.length
  counts.reported += findings.length
  counts.lines += matched.filter(({ found, isExact }) => found !== undefined && isExact).length
  const isRight = missed.length === 0 && inexact.length === 0 && wrong.length === 0 && report !== undefined
  const { requests = 0, verdict: outcome = 'no report', reason = '' } = report ?? {}
  process.stdout.write(
    `${isRight ? 'ok ' : 'BAD'} ${verdict.name}: exit ${code}, ${outcome} ${reason}, ${requests} requests\n`
  )
  for (const { expected } of missed) process.stdout.write(`      missed ${JSON.stringify(expected)}\n`)
  for (const { found } of inexact) process.stdout.write(`      inexact ${show(/** @type {Finding} */ (found))}\n`)
  for (const finding of wrong) process.stdout.write(`      wrong ${show(finding)}\n`)
  if (report === undefined) process.stdout.write(errors)
}

main()
