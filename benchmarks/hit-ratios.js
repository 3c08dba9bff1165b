'use strict'

// Prints the hit ratios of both eviction policies on the traces of the conformance tests, as a table in Markdown.
//
//   node benchmarks/hit-ratios.js

const { Cache } = require('..')
const { names, readTrace, skip } = require('../__test__/support/cache-traces')

const SIZES = [100, 500, 1000, 2000, 4000]

/** Returns the lines of the table. */
function hitRatios() {
  const lines = [
    `| trace | requests | ids | ${SIZES.map(max => `max ${max}`).join(' | ')} |`,
    `|---|---:|---:|${'---:|'.repeat(SIZES.length)}`
  ]
  for (const name of names) {
    const ids = readTrace(name)
    const cells = SIZES.map(max => `${ratio(ids, max, 'lru')} → ${ratio(ids, max, 's3-fifo')}`)
    lines.push(`| ${name} | ${ids.length} | ${new Set(ids).size} | ${cells.join(' | ')} |`)
  }
  return lines
}

/** @type {(ids: string[], max: number, policy: 'lru' | 's3-fifo') => string} */
function ratio(ids, max, policy) {
  /** @type {Cache<string, true>} */
  const cache = new Cache({ max, policy })
  let hits = 0
  for (const id of ids) {
    if (cache.has(id)) {
      hits++
      cache.get(id)
    } else cache.set(id, true)
  }
  cache.close()
  return ((hits / ids.length) * 100).toFixed(1)
}

if (require.main === module) console.log(skip || hitRatios().join('\n'))

module.exports = { hitRatios }
