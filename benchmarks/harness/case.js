'use strict'

// Measures one row, in the process that measure.js starts for it.

const { availableParallelism } = require('node:os')
const { rowsOf } = require('./suites.js')

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string} what
 * @property {string} [reference] the contender that ratios are to; without it there are none
 * @property {number} [rounds] where it is not the usual number
 * @property {boolean} [once] what it measures is itself a long run: one round, without a warm-up
 * @property {boolean} [aside] no part of the whole run: it takes minutes and has no bar
 * @property {readonly Measure[]} measures
 * @property {(threads: number) => Promise<Contender[]> | Contender[]} open makes the contenders, each with so many threads
 *
 * @typedef {object} Measure
 * @property {string} name
 * @property {string} unit
 * @property {'max'} [fold] how rounds become one value: their median, or the largest
 * @property {Bar | undefined} [bar] what offloop must reach
 *
 * @typedef {object} Bar
 * @property {'value' | 'ratio'} of
 * @property {number} [atLeast]
 * @property {number} [atMost]
 * @property {readonly string[]} [contenders] that have to reach it, where it is not `offloop` alone
 *
 * @typedef {object} Contender
 * @property {string} name
 * @property {() => Promise<Sample> | Sample} round
 * @property {(() => Promise<unknown> | unknown) | undefined} [warm] instead of a first round that does not count
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
 * @property {Sample[]} rounds none if it failed
 * @property {string} [failure]
 */

async function main() {
  const [group, name, rounds] = process.argv.slice(2)
  const row = rowsOf(group).find(row => row.name === name)
  if (row === undefined) throw new Error(`There is no row "${name}".`)
  const measured = await measure(row, Number(rounds))
  await new Promise(resolve => process.send?.(measured, resolve))
  process.off('disconnect', abandon)
  process.disconnect?.()
}

/**
 * @param {Row} row
 * @param {number} rounds
 * @returns {Promise<Measured>}
 */
async function measure(row, rounds) {
  const threads = availableParallelism()
  const entrants = (await row.open(threads)).map(contender => {
    /** @type {Outcome} */
    const outcome = { name: contender.name, rounds: [] }
    return { contender, outcome }
  })
  if (!row.once) {
    for (const { contender, outcome } of entrants) await attempt(outcome, contender.warm ?? contender.round)
  }
  for (let round = 0; round < (row.once ? 1 : rounds); round++) {
    for (const { contender, outcome } of entrants) {
      // What the one before left behind is not for this one to clean up.
      globalThis.gc?.()
      await attempt(outcome, async () => outcome.rounds.push(await contender.round()))
    }
  }
  for (const { contender } of entrants) await contender.close?.()
  return { threads, contenders: entrants.map(({ outcome }) => outcome) }
}

/**
 * A contender that fails is out; the others go on.
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

/** The one who asked is gone: so is this process, with all that it started. */
function abandon() {
  if (process.platform !== 'win32') process.kill(-process.pid, 'SIGKILL')
  process.exit(1)
}

process.on('disconnect', abandon)

main().catch(error => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
