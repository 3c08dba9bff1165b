'use strict'

// Measures one row, in the process that run.js starts for it.

const { availableParallelism } = require('node:os')
const { join } = require('node:path')

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {string} what
 * @property {string} [reference] the contender that ratios are to; without it there are none
 * @property {number} [rounds] where it is not the usual number
 * @property {boolean} [once] what it measures is itself a long run: one round, without a warm-up
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
 * @property {{ name: string, rounds: Sample[] }[]} contenders
 */

async function main() {
  const [group, name, rounds] = process.argv.slice(2)
  /** @type {{ rows: Row[] }} */
  const { rows } = require(join(__dirname, 'groups', group))
  const row = rows.find(row => row.name === name)
  if (row === undefined) throw new Error(`There is no row "${name}".`)
  const measured = await measure(row, Number(rounds))
  await new Promise(resolve => process.send?.(measured, resolve))
  process.disconnect?.()
}

/**
 * @param {Row} row
 * @param {number} rounds
 * @returns {Promise<Measured>}
 */
async function measure(row, rounds) {
  const threads = availableParallelism()
  const contenders = await row.open(threads)
  /** @type {Map<string, Sample[]>} */
  const samples = new Map(contenders.map(({ name }) => [name, []]))
  try {
    if (!row.once) for (const contender of contenders) await (contender.warm ?? contender.round)()
    for (let round = 0; round < (row.once ? 1 : rounds); round++) {
      for (const contender of contenders) {
        // What the one before left behind is not for this one to clean up.
        globalThis.gc?.()
        samples.get(contender.name)?.push(await contender.round())
      }
    }
  } finally {
    for (const { close } of contenders) await close?.()
  }
  return { threads, contenders: Array.from(samples, ([name, rounds]) => ({ name, rounds })) }
}

// The one who asked is gone.
process.on('disconnect', () => {
  if (process.exitCode === undefined) process.exitCode = 0
})

main().catch(error => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
