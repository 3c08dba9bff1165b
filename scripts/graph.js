'use strict'

// npm run graph
// Prints the layers of the JavaScript and of src/ from the top down, and what each folder imports.

const { existsSync, readFileSync, rmSync } = require('node:fs')
const { basename, dirname, extname, join } = require('node:path')
const { LOCKED } = require('./lib/build.js')
const { importGraph } = require('./lib/import-graph.js')
const { resultOf, root, run, start } = require('./lib/process.js')
const { install } = require('./lib/setup.js')

/** @typedef {import('./lib/import-graph.js').ImportGraph} ImportGraph */

start(async () => {
  await install(root)
  const graphs = { JavaScript: await importGraph(root), Rust: await moduleGraph() }
  for (const [name, graph] of Object.entries(graphs)) process.stdout.write(`${name}\n\n${draw(graph)}\n\n`)
  return Object.values(graphs).some(graph => problems(graph).length > 0) ? 1 : 0
})

/**
 * Reads the graph that the test of the Rust modules writes.
 * @returns {Promise<ImportGraph>}
 */
async function moduleGraph() {
  const path = join(root, 'target/tmp/modules.json')
  rmSync(path, { force: true })
  const outcome = await run('cargo', ['test', ...LOCKED, '--no-default-features', '--test', 'modules'])
  if (!existsSync(path)) throw new Error(resultOf(outcome).failure ?? `cargo wrote no ${path}`)
  return JSON.parse(readFileSync(path, 'utf8'))
}

/** @param {ImportGraph} graph */
function draw(graph) {
  const parts = graph.layers.flat().sort((a, b) => b.length - a.length)
  /** @param {string} file */
  const partOf = file => parts.find(part => file.startsWith(part)) ?? file
  /** @param {string} file */
  const folderOf = file => (partOf(file) === file ? file : `${dirname(file)}/`)
  const layers = graph.layers.toReversed().map((parts, depth) => {
    const files = graph.files.filter(file => parts.includes(partOf(file)))
    const folders = [...new Set(files.map(folderOf))].map(folder => {
      const names = files.filter(file => folderOf(file) === folder).map(file => basename(file, extname(file)))
      const imported = graph.imports.filter(({ from }) => folderOf(from) === folder).map(({ to }) => folderOf(to))
      const others = [...new Set(imported)].filter(other => other !== folder).sort()
      const lines = [folder.endsWith('/') ? `${folder}: ${names.join(', ')}` : folder]
      return [...lines, ...(others.length > 0 ? [`  imports ${others.join(', ')}`] : [])].join('\n')
    })
    return `layer ${graph.layers.length - depth}\n${folders.join('\n').replaceAll(/^/gm, '  ')}`
  })
  return [...layers, ...problems(graph), summary(graph)].join('\n')
}

/** @param {ImportGraph} graph */
function summary({ files, imports, layers, cycles, upward }) {
  const types = imports.filter(({ isType }) => isType).length
  const counted = types > 0 ? `${imports.length} imports (${types} of types alone)` : `${imports.length} imports`
  const path = longestPath(imports)
  return [
    `${files.length} files, ${counted} in ${layers.length} layers; ${cycles.length} cycles, ${upward.length} upward imports`,
    `longest path, ${path.length} files: ${path.join(' > ')}`
  ].join('\n')
}

/** @param {ImportGraph} graph */
function problems({ cycles, upward, complaints }) {
  return [...cycles.map(it => `cycle: ${it}`), ...upward.map(it => `upward: ${it}`), ...complaints]
}

/**
 * Returns the longest path of files, which enters a cycle at most once.
 * @param {ImportGraph['imports']} imports
 */
function longestPath(imports) {
  /** @type {Map<string, string[]>} */
  const paths = new Map()
  /** @type {(file: string) => string[]} */
  function from(file) {
    const known = paths.get(file)
    if (known !== undefined) return known
    paths.set(file, [file])
    const below = longest(imports.filter(it => it.from === file).map(({ to }) => from(to)))
    paths.set(file, [file, ...below])
    return [file, ...below]
  }
  return longest(imports.map(it => from(it.from)))
}

/** @param {string[][]} paths */
function longest(paths) {
  return paths.reduce((best, path) => (path.length > best.length ? path : best), [])
}
