'use strict'

// npm test                               everything
// npm test -- --only rust,types          checks or groups of checks, by name
// npm test -- __test__/pool/run.test.js  some test files

const { existsSync } = require('node:fs')
const { join, relative } = require('node:path')
const { parseArgs } = require('node:util')
const { root, start } = require('./lib/process.js')
const { buildFaultAddon } = require('./lib/build.js')
const { checks, nodeTests } = require('./lib/checks.js')
const { install, setup } = require('./lib/setup.js')

start(async () => {
  const chosen = choose(process.argv.slice(2))
  const began = performance.now()
  await time('setup', async () => {
    await (chosen.some(check => check.needsAddon) ? setup() : install(root))
    return {}
  })
  const total = { passed: 0, failed: 0, skipped: 0 }
  for (const check of chosen) {
    const { failure, passed, failed = 0, skipped = 0 } = await time(check.name, check.run)
    // A check without tests counts as one.
    total.passed += passed ?? (failure === undefined ? 1 : 0)
    total.failed += failure === undefined ? failed : Math.max(failed, 1)
    total.skipped += skipped
    if (failure !== undefined) {
      console.log(`\n${failure.trimEnd()}\n\n${check.name} failed\n`)
      break
    }
  }
  console.log(`${seconds(began)} in all`)
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : ''
  console.log(`${total.passed} passed, ${total.failed} failed${skipped}`)
  return total.failed === 0 ? 0 : 1
})

/**
 * Returns the checks that the arguments select.
 * @param {string[]} args
 * @returns {readonly import('./lib/checks.js').Check[]}
 */
function choose(args) {
  const { values, positionals } = parseArgs({ args, options: { only: { type: 'string' } }, allowPositionals: true })
  if (positionals.length > 0) {
    const files = positionals.map(file => relative(root, file).replaceAll('\\', '/'))
    const missing = files.filter(file => !existsSync(join(root, file)))
    if (missing.length > 0) throw new Error(`No such file: ${missing.join(', ')}`)
    return [
      { name: 'fault addon', group: 'js', run: buildFaultAddon },
      { name: 'node', group: 'js', needsAddon: true, run: () => nodeTests(files) }
    ]
  }
  if (values.only === undefined) return checks
  const requested = values.only.split(',').map(name => name.trim())
  const known = new Set(checks.flatMap(check => [check.name, check.group]))
  const unknown = requested.filter(name => !known.has(name))
  if (unknown.length > 0) throw new Error(`Unknown: ${unknown.join(', ')}. Known: ${[...known].join(', ')}.`)
  return checks.filter(check => requested.includes(check.name) || requested.includes(check.group))
}

/**
 * Runs one step; prints its name before and its duration after.
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} step
 * @returns {Promise<T>}
 */
async function time(name, step) {
  const began = performance.now()
  process.stdout.write(name.padEnd(18))
  try {
    return await step()
  } finally {
    process.stdout.write(`${seconds(began)}\n`)
  }
}

/** @param {number} began */
function seconds(began) {
  return `${((performance.now() - began) / 1000).toFixed(1)} s`
}
