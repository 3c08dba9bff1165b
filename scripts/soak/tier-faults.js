'use strict'

// Checks the guarantee of tiered caches with real processes that are killed, suspended and blocked.
//
// npm run soak -- tier-faults [SECONDS]

const { runWithFaults } = require('../../__test__/support/tier-faults')

async function main() {
  const [seconds = 60] = process.argv.slice(2).map(Number)
  const { violations, ...figures } = await runWithFaults(seconds)
  console.log(JSON.stringify({ node: process.version, seconds, ...figures, violations: violations.length }))
  for (const violation of violations.slice(0, 10)) console.error(violation)
  process.exitCode = violations.length === 0 ? 0 : 1
}

main()
