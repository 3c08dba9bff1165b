'use strict'

// The import graph of the JavaScript, types included, and the rules that hold for it.

const { readFileSync } = require('node:fs')
const { join } = require('node:path')

/**
 * The layers from the bottom up. Each has parts: folders and single files. A file may import files of its part and of the layers
 * below.
 */
const LAYERS = [
  ['lib/internal/'],
  ['lib/native/'],
  ['lib/json/', 'lib/csv/', 'lib/cache/', 'lib/watch/'],
  ['lib/task/'],
  ['lib/worker/'],
  ['lib/transform/'],
  ['lib/pool/'],
  ['lib/stream/'],
  ['lib/pool/index.js'],
  ['lib/index.js'],
  ['lib/tier/'],
  ['lib/metrics/'],
  ['lib/doctor/'],
  ['index.js', 'opentelemetry.js', 'prometheus.js', 'watch.js', 'doctor.js', 'host.js'],
  ['fastify.js']
]

/** Folders of lib/ that other files enter through `index.js` alone. */
const CLOSED = ['cache', 'metrics', 'stream', 'watch', 'worker']

/** The public declarations and the manifest, which belong to no layer. */
const DESCRIPTIONS = '^[^/]+[.](d[.]ts|json)$'
/** Limits a rule to imports of code. */
const CODE = { dependencyTypesNot: ['type-only'] }

/**
 * @typedef {import('dependency-cruiser', { with: { 'resolution-mode': 'import' } }).IModule} Module
 *
 * @typedef {object} ImportGraph
 * @property {string[]} files
 * @property {{ from: string, to: string, isType?: boolean }[]} imports
 * @property {string[][]} layers from the bottom up
 * @property {string[]} cycles
 * @property {string[]} upward imports to a part that is not below
 * @property {string[]} complaints about anything else
 */

/** The rules as dependency-cruiser reads them. */
function rules() {
  const upward = LAYERS.flatMap((parts, layer) =>
    parts.map(part => ({
      name: 'upward',
      from: { path: pattern(part) },
      to: { pathNot: [...LAYERS.slice(0, layer).flat(), part].map(pattern).concat(DESCRIPTIONS) }
    }))
  )
  const closed = CLOSED.map(folder => ({
    name: 'closed folder',
    // The doctor looks with the parts of the watch; a tiered cache consists of the parts of a cache.
    from: { pathNot: `^lib/(${folder}|doctor|tier)/` },
    to: { path: `^lib/${folder}/`, pathNot: '/index[.]js$', ...CODE }
  }))
  return [
    ...upward,
    ...closed,
    // Bundled packages have their declarations beside them.
    { name: 'no code', from: {}, to: { path: '[.]d[.]ts$', pathNot: '^lib/doctor/vendor/', ...CODE } },
    { name: 'cycle', from: {}, to: { circular: true } }
  ]
}

/**
 * Matches the files of a part, without those of parts inside it.
 * @param {string} part
 */
function pattern(part) {
  const inner = LAYERS.flat().filter(other => other !== part && other.startsWith(part))
  const escaped = [part, ...inner].map(path => path.replaceAll('.', '[.]'))
  return `^${escaped.slice(1).map(path => `(?!${path})`)}${escaped[0]}`
}

/**
 * Reads the imports of lib/ and of the files that the package exports.
 * @param {string} root
 * @returns {Promise<ImportGraph>}
 */
async function importGraph(root) {
  const { cruise } = await import('dependency-cruiser')
  const { output } = await cruise(
    ['lib', 'index.js', 'opentelemetry.js', 'prometheus.js', 'fastify.js'],
    {
      baseDir: root,
      parser: 'tsc',
      detectJSDocImports: true,
      tsPreCompilationDeps: true,
      includeOnly: '^(lib/|[^/]+[.](js|ts|json)$)',
      validate: true,
      ruleSet: { forbidden: /** @type {any[]} */ (rules()) }
    },
    // As TypeScript does it, a type comes from the declaration beside a file.
    { extensions: ['.d.ts', '.js'], mainFields: ['types', 'main'] }
  )
  if (typeof output === 'string') throw new Error(output)
  const modules = output.modules.filter(({ source }) => !new RegExp(DESCRIPTIONS).test(source))
  const files = modules.map(({ source }) => source).sort()
  /** @param {string} name */
  const violations = name =>
    output.summary.violations
      .filter(({ rule }) => rule.name === name)
      .map(({ from, to, cycle }) => [from, ...(cycle?.map(({ name }) => name) ?? [to])].join(' -> '))
  const placed = LAYERS.flat().map(part => new RegExp(pattern(part)))
  return {
    files,
    imports: importsOf(modules, files),
    layers: LAYERS,
    cycles: violations('cycle'),
    upward: violations('upward'),
    complaints: [
      ...['closed folder', 'no code'].flatMap(rule => violations(rule).map(text => `${rule}: ${text}`)),
      ...files.filter(file => !placed.some(part => part.test(file))).map(file => `no layer: ${file}`),
      ...modules.flatMap(module => hiddenImports(root, module).map(target => `hidden: ${module.source} -> ${target}`))
    ]
  }
}

/**
 * @param {Module[]} modules
 * @param {string[]} files
 */
function importsOf(modules, files) {
  return modules.flatMap(({ source: from, dependencies }) => {
    const targets = [...new Set(dependencies.map(({ resolved }) => resolved))].filter(target => files.includes(target))
    return targets.map(to => {
      const forms = dependencies.filter(({ resolved }) => resolved === to)
      return { from, to, isType: forms.every(({ dependencyTypes }) => dependencyTypes.includes('type-only')) }
    })
  })
}

/**
 * Returns the imports that dependency-cruiser overlooks: types in a `@property` or `@callback`. A `@typedef` with a name shows
 * them.
 * @param {string} root
 * @param {Module} module
 */
function hiddenImports(root, { source, dependencies }) {
  const text = readFileSync(join(root, source), 'utf8')
  const imports = [...text.matchAll(/\b(?:import|require)\(\s*['"](\.[^'"]*)['"]\s*\)/g)].map(([, target]) => target)
  return [...new Set(imports)].filter(target => !dependencies.some(({ module }) => module === target))
}

module.exports = { LAYERS, importGraph }
