'use strict'

// node require-time.js <package> <require | import>: loads one package and prints the time. Loads no other package first.

const { performance } = require('node:perf_hooks')

const [, , name, how] = process.argv

/** @param {string} specifier */
async function load(specifier) {
  return how === 'import' ? await import(specifier) : require(specifier)
}

async function main() {
  const specifier = name === 'offloop' ? '../../index.js' : name
  const begin = performance.now()
  const loaded = await load(specifier)
  /** @type {Record<string, number>} */
  const measured = { [how]: performance.now() - begin }
  if (name === 'offloop' && how === 'require') Object.assign(measured, footprint(loaded))
  process.stdout.write(JSON.stringify(measured))
}

/** Returns the size of the addon and, on Linux, the number of its threads. @param {typeof import('../../index.d.ts')} offloop */
function footprint({ pool, transforms }) {
  const { readFileSync, readdirSync, statSync } = require('node:fs')
  const addon = Object.keys(require.cache).find(file => file.endsWith('.node'))
  if (addon === undefined) throw new Error('offloop loaded no addon')
  const megabytes = statSync(addon).size / 1e6
  if (process.platform !== 'linux') return { addon: megabytes }
  const ownThreads = () =>
    readdirSync('/proc/self/task')
      .map(id => readFileSync(`/proc/self/task/${id}/comm`, 'utf8'))
      .filter(name => name.startsWith('offloop-')).length
  const threads = ownThreads()
  pool.run(transforms.identity(), '').then(() => {
    if (ownThreads() === 0) throw new Error('no thread is named offloop-*: the check is outdated')
  })
  return { addon: megabytes, 'threads before a task': threads }
}

main()
