'use strict'

// node require-time.js <package>: loads one package and prints the time. Loads no other package before.

const { performance } = require('node:perf_hooks')

const name = process.argv[2]

const begin = performance.now()
const loaded = require(name === 'offloop' ? '../..' : name)
const milliseconds = performance.now() - begin

/** @type {Record<string, number>} */
const measured = { require: milliseconds }
if (name === 'offloop') {
  const { readFileSync, readdirSync, statSync } = require('node:fs')
  const addon = Object.keys(require.cache).find(file => file.endsWith('.node'))
  if (addon === undefined) throw new Error('offloop loaded no addon')
  measured.addon = statSync(addon).size / 1e6

  if (process.platform === 'linux') {
    const ownThreads = () =>
      readdirSync('/proc/self/task')
        .map(id => readFileSync(`/proc/self/task/${id}/comm`, 'utf8'))
        .filter(name => name.startsWith('offloop-')).length
    measured['threads before a task'] = ownThreads()
    const { pool, transforms } = /** @type {typeof import('../../index.d.ts')} */ (loaded)
    pool.run(transforms.identity(), '').then(() => {
      if (ownThreads() === 0) throw new Error('no thread is named offloop-*: the check is outdated')
    })
  }
}
process.stdout.write(JSON.stringify(measured))
