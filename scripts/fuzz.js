'use strict'

// npm run fuzz                    every target for 60 seconds
// npm run fuzz -- gunzip open     some targets
// npm run fuzz -- --seconds 600 gunzip

const { mkdirSync, readdirSync } = require('node:fs')
const { basename, join } = require('node:path')
const { parseArgs } = require('node:util')
const { root, run, say, start } = require('./lib/process.js')

/** Limits of one input: memory in MiB, time in seconds. */
const LIMITS = ['-rss_limit_mb=2048', '-malloc_limit_mb=512', '-timeout=10', '-max_len=65536']

start(async () => {
  const { values, positionals } = parseArgs({
    options: { seconds: { type: 'string', default: '60' } },
    allowPositionals: true
  })
  const known = readdirSync(join(root, 'fuzz/fuzz_targets')).map(file => basename(file, '.rs'))
  const unknown = positionals.filter(name => !known.includes(name))
  if (unknown.length > 0) throw new Error(`Unknown: ${unknown.join(', ')}. Known: ${known.join(', ')}.`)
  for (const name of positionals.length > 0 ? positionals : known) {
    const { code } = await fuzz(name, values.seconds)
    if (code !== 0) throw new Error(`${name} failed to start or found a failing input (see fuzz/artifacts/).`)
  }
})

/**
 * Fuzzes one target. New inputs are written to an ignored folder; the seeds stay unchanged.
 * @param {string} name
 * @param {string} seconds
 */
function fuzz(name, seconds) {
  const discovered = join(root, 'fuzz/target/corpus', name)
  mkdirSync(discovered, { recursive: true })
  say(`fuzzing ${name}`)
  const corpora = [discovered, join(root, 'fuzz/corpus', name)]
  const args = ['+nightly', 'fuzz', 'run', name, ...corpora, '--', `-max_total_time=${seconds}`, ...LIMITS]
  return run('cargo', args, { show: true })
}
