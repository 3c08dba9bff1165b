'use strict'

// Checks the guarantee of tiered caches under random schedules.
//
// npm run soak -- tier-schedules [SCHEDULES] [FIRST SEED]

const { violationsOf } = require('../../__test__/support/tier-schedules')

/** Schedules per seed. */
const BATCH = 250

async function main() {
  const [schedules = 100_000, first = 1] = process.argv.slice(2).map(Number)
  const began = performance.now()
  const seeds = Math.ceil(schedules / BATCH)
  for (let seed = first; seed < first + seeds; seed++) {
    const violations = await violationsOf(seed, { count: BATCH })
    if (violations.length === 0) continue
    console.error(`seed ${seed}: ${violations.join('\n')}`)
    process.exitCode = 1
    return
  }
  const seconds = (performance.now() - began) / 1000
  console.log(JSON.stringify({ node: process.version, schedules: seeds * BATCH, seeds, violations: 0, seconds }))
}

main()
