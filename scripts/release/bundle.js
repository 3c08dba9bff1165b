'use strict'

// Makes the JavaScript of the published package out of the repository's: few files, of which a program's start loads one
// (docs/internals/loading.md).

const { existsSync, mkdirSync, readFileSync, writeFileSync } = require('node:fs')
const { dirname, join, posix } = require('node:path')
const { transformSync } = require('esbuild')
const { root } = require('../lib/process.js')

/** Files that users or threads load by path. They take all modules from the registry in lib/bundle.js. */
const ENTRIES = [
  'index.js',
  'fastify.js',
  'prometheus.js',
  'opentelemetry.js',
  'watch.js',
  'doctor.js',
  'host.js',
  'bin/offloop.js',
  'lib/doctor/load-process.js',
  'lib/doctor/probe/preload.js',
  'lib/tier/host/keeper-thread.js',
  'lib/watch/auto.js',
  'lib/worker/worker-main.js'
]

/** Files that are loaded by path and require no other, and those of the doctor's page. */
const ALONE = [
  'lib/worker/script-preload.js',
  'lib/doctor/vendor/charts.css',
  'lib/doctor/vendor/charts.js',
  'lib/doctor/vendor/NOTICES',
  'lib/doctor/report/page/client.js',
  'lib/doctor/report/page/style.css'
]

/**
 * Modules that are loaded when a name of theirs is first used: the ways into what `require('offloop')` and reading its exports do
 * not need. Loading one must have no effect on others, and the tightest loops must not go through one.
 */
const DEFERRED = [
  'lib/cache/codec.js',
  'lib/cache/get-many.js',
  'lib/cache/heap-store.js',
  'lib/cache/load-coordinator.js',
  'lib/cache/native-store.js',
  'lib/internal/abort.js',
  'lib/internal/error-codec.js',
  'lib/json/builder.js',
  'lib/pool/bulk/iterator.js',
  'lib/pool/bulk/map.js',
  'lib/stream/options.js',
  'lib/stream/per-chunk-engine.js',
  'lib/stream/signal.js',
  'lib/stream/streaming-engine.js',
  'lib/task/byte-pieces.js',
  'lib/task/chunked-copy.js',
  'lib/task/fields.js',
  'lib/task/input.js',
  'lib/task/waiter.js',
  'lib/task/waiting-task.js',
  'lib/worker/worker-task.js'
]

/** Modules in lib/bundle.js, with their imports and the exports. The others are in one file for each folder of lib/. */
const FIRST = ['lib/internal/clock.js', 'lib/native/index.js', 'lib/index.js']

/** Nothing is minified: that saves hardly any time, and Node.js prints the line of an uncaught error. */
const OPTIONS = /** @type {const} */ ({ format: 'cjs', target: 'node20', platform: 'node' })

/** An import of names, over one or more lines. */
const NAMED_IMPORT = /^const \{([^}]*)\} = require\('(\.[^']*)'\)$/gm
/** An import that is evaluated with its file, in contrast to one in a function. */
const IMPORT = /^(?!.*=>)(?:\S.*)?\brequire\('(\.[^']*)'\)/gm
const REQUIRE = /\brequire\('(\.[^']*)'\)/g
/** An `import` as esbuild writes it. */
const DEFERRED_IMPORT = /^var (import_\w+) = require\("(\.[^"]*)"\);$/gm

/**
 * @typedef {object} Module
 * @property {string} code
 * @property {string[]} imports paths of the modules that are loaded with it
 * @property {string[]} requires paths of all modules that it names
 */

/** Returns the JavaScript files of the published package, by path. @returns {Record<string, string>} */
function bundle() {
  const modules = readModules()
  const first = reach([...FIRST, ...get(modules, 'lib/index.js').requires], path => get(modules, path).imports)
  const later = [...modules.keys()].filter(path => !first.has(path) && !ENTRIES.includes(path))
  const folders = [...new Set(later.map(folderOf))]
  return {
    'lib/bundle.js': bundleFile(modules, [...first], folders),
    ...Object.fromEntries(
      folders.map(name => [
        `lib/${name}.js`,
        folderFile(
          modules,
          later.filter(path => folderOf(path) === name)
        )
      ])
    ),
    ...Object.fromEntries(ENTRIES.map(path => [path, entryFile(path, get(modules, path))])),
    ...Object.fromEntries(ALONE.map(path => [path, read(path)]))
  }
}

/** Returns the folder of lib/ that a module is in. @param {string} path */
function folderOf(path) {
  return path.split('/')[1]
}

/** Returns all modules, by path. */
function readModules() {
  /** @type {Map<string, Module>} */
  const modules = new Map()
  reach(ENTRIES, path => {
    modules.set(path, readModule(path))
    return get(modules, path).requires
  })
  const unknown = DEFERRED.filter(path => !modules.has(path))
  if (unknown.length > 0) throw new Error(`No module requires ${unknown.join(', ')}`)
  return modules
}

/**
 * Returns the paths that lead from the first ones, which they include.
 * @param {readonly string[]} first
 * @param {(path: string) => readonly string[]} next
 */
function reach(first, next) {
  const found = new Set(first)
  for (const path of found) for (const other of next(path)) found.add(other)
  return found
}

/**
 * @param {Map<string, Module>} modules
 * @param {string} path
 */
function get(modules, path) {
  return /** @type {Module} */ (modules.get(path))
}

/** @param {string} path */
function read(path) {
  const text = readFileSync(join(root, path), 'utf8')
  if (!path.endsWith('.json')) return text
  if (path !== 'package.json') return `module.exports = ${text}`
  const { name, version } = JSON.parse(text)
  return `module.exports = ${JSON.stringify({ name, version })}`
}

/**
 * Reads a module, and replaces its imports by those of the registry.
 * @param {string} path
 * @returns {Module}
 */
function readModule(path) {
  /** @type {Set<string>} */
  const requires = new Set()
  /** @param {string} specifier */
  const resolve = specifier => {
    const target = resolveFrom(path, specifier)
    requires.add(target)
    return target
  }
  // esbuild turns each use of an imported name into a property of the module.
  const source = read(path)
    .replace(/^'use strict'$/m, '')
    .replace(NAMED_IMPORT, (text, names, specifier) =>
      DEFERRED.includes(resolve(specifier)) ? `import {${names.replaceAll(':', ' as ')}} from '${specifier}'` : text
    )
  const imports = [...source.matchAll(IMPORT)].map(([, specifier]) => resolve(specifier))
  const linked = source.replace(REQUIRE, (text, specifier) =>
    ENTRIES.includes(resolve(specifier)) ? text : `fromBundle('${resolve(specifier)}')`
  )
  return { code: deferImports(transformSync(linked, OPTIONS).code, resolve), imports, requires: [...requires] }
}

/**
 * @param {string} code
 * @param {(specifier: string) => string} resolve
 */
function deferImports(code, resolve) {
  const names = [...code.matchAll(DEFERRED_IMPORT)].map(([, name]) => name)
  const declared = code.replace(
    DEFERRED_IMPORT,
    (_, name, specifier) => `const ${name} = new Import("${resolve(specifier)}");`
  )
  return names.reduce((text, name) => text.replaceAll(new RegExp(`\\b${name}\\.`, 'g'), `${name}.exports.`), declared)
}

/**
 * @param {string} from
 * @param {string} specifier
 */
function resolveFrom(from, specifier) {
  const path = posix.join(posix.dirname(from), specifier)
  const found = [path, `${path}.js`, `${path}/index.js`].find(it => /\.\w+$/.test(it) && existsSync(join(root, it)))
  if (found === undefined) throw new Error(`${from} requires ${specifier}, which does not exist`)
  return found
}

/**
 * @param {Map<string, Module>} modules
 * @param {readonly string[]} paths
 * @param {readonly string[]} folders that have a file
 */
function bundleFile(modules, paths, folders) {
  const { code } = transformSync(read('scripts/release/registry.js'), OPTIONS)
  const requires = folders.map(name => `  ${name}: () => require("./${name}.js")`)
  return `"use strict";
${code.replace(/^"use strict";\n/, '')}Object.assign(folders, {\n${requires.join(',\n')}\n});
Object.assign(definitions, {\n${definitions(modules, paths)}\n});\n`
}

/**
 * Returns a file of functions only: all modules are in the registry, also if a test runner has reset its own since that was loaded.
 * @param {Map<string, Module>} modules
 * @param {readonly string[]} paths
 */
function folderFile(modules, paths) {
  return `"use strict";\nmodule.exports = (fromBundle, Import) => ({\n${definitions(modules, paths)}\n});\n`
}

/**
 * @param {Map<string, Module>} modules
 * @param {readonly string[]} paths
 */
function definitions(modules, paths) {
  const all = paths.map(
    path => `"${path}": function (exports, module, __filename, __dirname) {\n${get(modules, path).code}}`
  )
  return all.join(',\n')
}

/**
 * @param {string} path
 * @param {Module} module
 */
function entryFile(path, { code }) {
  const bundle = posix.relative(posix.dirname(path), 'lib/bundle.js')
  const shebang = /^#!.*\n/.exec(code)?.[0] ?? ''
  const rest = code.slice(shebang.length)
  return `${shebang}"use strict";\nconst { fromBundle, Import } = require("${bundle.startsWith('.') ? bundle : `./${bundle}`}");\n${rest}`
}

/** Writes the files into a folder. @param {string} folder */
function writeBundle(folder) {
  for (const [path, text] of Object.entries(bundle())) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
}

module.exports = { bundle, writeBundle }
