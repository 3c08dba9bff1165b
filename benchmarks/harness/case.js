'use strict'

// Measures one case in the process started by measure.js.

const { availableParallelism } = require('node:os')
const { casesOf } = require('./suites.js')

/**
 * @typedef {object} Case
 * @property {string} name
 * @property {string} what
 * @property {string} [reference] contender that ratios are relative to; without it there are no ratios
 * @property {number} [rounds] overrides the default number
 * @property {boolean} [once] the case is a single long run: one round, without a warm-up
 * @property {boolean} [onRequest] runs only if its suite or name is given: it takes minutes and has no target
 * @property {readonly Measure[]} measures
 * @property {(threads: number) => Promise<Contender[]> | Contender[]} open creates the contenders, each with this number of threads
 *
 * @typedef {object} Measure
 * @property {string} name
 * @property {string} unit
 * @property {'max'} [fold] how rounds are combined: their median by default, or the maximum
 * @property {Target | undefined} [target] value that offloop must reach
 *
 * @typedef {object} Target
 * @property {'value' | 'ratio'} of
 * @property {number} [atLeast]
 * @property {number} [atMost]
 * @property {readonly string[]} [contenders] that must reach it, only `offloop` by default
 *
 * @typedef {object} Contender
 * @property {string} name
 * @property {() => Promise<Sample> | Sample} round
 * @property {(() => Promise<unknown> | unknown) | undefined} [warm] replaces the first round, which does not count
 * @property {(() => Promise<unknown> | unknown) | undefined} [close]
 *
 * @typedef {Record<string, number>} Sample values by the name of their measure
 *
 * @typedef {object} Measured
 * @property {number} threads
 * @property {Outcome[]} contenders
 *
 * @typedef {object} Outcome
 * @property {string} name
 * @property {Sample[]} rounds empty after a failure
 * @property {string} [failure]
 */

async function main() {
  const [suite, name, rounds] = process.argv.slice(2)
  const benchmark = casesOf(suite).find(({ name: known }) => known === name)
  if (benchmark === undefined) throw new Error(`There is no case "${name}".`)
  const measured = await measure(benchmark, Number(rounds))
  await new Promise(resolve => process.send?.(measured, resolve))
  process.off('disconnect', abandon)
  process.disconnect?.()
}

/**
 * @param {Case} benchmark
 * @param {number} rounds
 * @returns {Promise<Measured>}
 */
async function measure(benchmark, rounds) {
  const threads = availableParallelism()
  const entries = (await benchmark.open(threads)).map(contender => {
    /** @type {Outcome} */
    const outcome = { name: contender.name, rounds: [] }
    return { contender, outcome }
  })
  if (!benchmark.once) {
    for (const { contender, outcome } of entries) await attempt(outcome, contender.warm ?? contender.round)
  }
  for (let round = 0; round < (benchmark.once ? 1 : rounds); round++) {
    for (const { contender, outcome } of entries) {
      // No contender pays for the garbage of the previous one.
      globalThis.gc?.()
      await attempt(outcome, async () => outcome.rounds.push(await contender.round()))
    }
  }
  for (const { contender } of entries) await contender.close?.()
  return { threads, contenders: entries.map(({ outcome }) => outcome) }
}

/**
 * Runs a step of a contender. After a failure the contender is skipped and the others continue.
 * @param {Outcome} outcome
 * @param {() => unknown} step
 */
async function attempt(outcome, step) {
  if (outcome.failure !== undefined) return
  try {
    await step()
  } catch (error) {
    outcome.failure = error instanceof Error ? error.message : String(error)
    outcome.rounds = []
  }
  process.send?.('round')
}

/** Ends this process and its descendants after the parent has exited. */
function abandon() {
  if (process.platform !== 'win32') process.kill(-process.pid, 'SIGKILL')
  process.exit(1)
}

process.on('disconnect', abandon)

main().catch(error => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
