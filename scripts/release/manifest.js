'use strict'

// Makes the published package.json: without the fields that only this repository needs, and with the addon packages. The
// repository's manifest cannot list those, because its lock file would have to name them before they are published.
//
// node scripts/release/manifest.js publish   before npm packs
// node scripts/release/manifest.js restore   after npm has packed

const { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const { root } = require('../lib/process.js')

const PATH = join(root, 'package.json')
const SAVED = join(root, 'target', 'package.json')

/** @param {string} path */
const read = path => JSON.parse(readFileSync(path, 'utf8'))

/** Returns the manifests of the addon packages by folder name. @returns {Record<string, any>} */
function platforms() {
  const folder = join(root, 'npm')
  return Object.fromEntries(readdirSync(folder).map(name => [name, read(join(folder, name, 'package.json'))]))
}

/** @param {any} manifest */
function published(manifest) {
  const { devDependencies, napi, scripts, ...rest } = manifest
  const addons = Object.values(platforms()).map(({ name, version }) => [name, version])
  return { ...rest, optionalDependencies: Object.fromEntries(addons) }
}

function publish() {
  const text = readFileSync(PATH, 'utf8')
  const manifest = JSON.parse(text)
  // An earlier run was interrupted: the saved file is the original.
  if (manifest.devDependencies === undefined) return checkSaved(text)
  mkdirSync(dirname(SAVED), { recursive: true })
  replace(SAVED, text)
  replace(PATH, publishedText(text))
}

/** @param {string} text of the repository's manifest */
function publishedText(text) {
  return `${JSON.stringify(published(JSON.parse(text)), null, 2)}\n`
}

/** Throws if package.json was edited after `publish`. @param {string} text of the current manifest */
function checkSaved(text) {
  if (existsSync(SAVED) && publishedText(readFileSync(SAVED, 'utf8')) === text) return
  throw new Error(
    'package.json is the published one and was edited since: an `npm pack` was interrupted. Restore the original from ' +
      'target/package.json or the repository, repeat your edits, and delete target/package.json'
  )
}

function restore() {
  if (!existsSync(SAVED)) return
  const text = readFileSync(PATH, 'utf8')
  if (JSON.parse(text).devDependencies !== undefined) return rmSync(SAVED)
  checkSaved(text)
  replace(PATH, readFileSync(SAVED, 'utf8'))
  rmSync(SAVED)
}

/** Writes a file atomically. */
function replace(/** @type {string} */ path, /** @type {string} */ text) {
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
}

module.exports = { platforms, published }

if (require.main === module) {
  const steps = { publish, restore }
  const step = steps[/** @type {keyof steps} */ (process.argv[2])]
  if (step === undefined) throw new Error(`Expected one of ${Object.keys(steps).join(', ')}`)
  step()
}
