'use strict'

// node require-time.js <package> <specifier> <require | import>: loads one package and prints the time. Loads no other package before.

const { pathToFileURL } = require('node:url')

const [, , name, specifier, how] = process.argv

/** Reads exports: those of offloop are loaded when one is read. @param {any} exports */
const read = ({ Pool, Cache, pool, transforms }) => [Pool, Cache, pool, transforms]

async function main() {
  const url = name === 'offloop' ? pathToFileURL(specifier).href : specifier
  const begin = performance.now()
  const loaded = how === 'import' ? await import(url) : require(specifier)
  read(loaded)
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
