'use strict'

// package.json as published: without the fields that only this repository needs, and with the packages that hold the addons.
// The repository's own cannot list those: its lock file would have to name them before they are published.
//
// node scripts/release/manifest.js publish   before npm packs
// node scripts/release/manifest.js restore   after it

const { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const { root } = require('../lib/process.js')

const PATH = join(root, 'package.json')
const KEPT = join(root, 'target', 'package.json')

/** @param {string} path */
const read = path => JSON.parse(readFileSync(path, 'utf8'))

/** Returns the manifests of the packages that hold an addon each, by folder name. @returns {Record<string, any>} */
function platforms() {
  const folder = join(root, 'npm')
  return Object.fromEntries(readdirSync(folder).map(name => [name, read(join(folder, name, 'package.json'))]))
}

/** @param {any} manifest */
function published(manifest) {
  const { devDependencies, napi, scripts, ...rest } = manifest
  const addons = Object.values(platforms()).map(({ name, version }) => [name, version])
  return {
    ...rest,
    scripts: { install: 'node lib/native/install.js' },
    optionalDependencies: Object.fromEntries(addons)
  }
}

function publish() {
  const text = readFileSync(PATH, 'utf8')
  const manifest = JSON.parse(text)
  // An earlier run was interrupted: the kept file is the original.
  if (manifest.devDependencies === undefined) return checkKept(text)
  mkdirSync(dirname(KEPT), { recursive: true })
  replace(KEPT, text)
  replace(PATH, publishedText(text))
}

/** @param {string} text of the repository's own manifest */
function publishedText(text) {
  return `${JSON.stringify(published(JSON.parse(text)), null, 2)}\n`
}

/** Throws if package.json was edited since its publication. @param {string} text of the present manifest */
function checkKept(text) {
  if (existsSync(KEPT) && publishedText(readFileSync(KEPT, 'utf8')) === text) return
  throw new Error(
    'package.json is as it is published, and was edited since: an `npm pack` was cut short. The original is ' +
      'target/package.json, or in the repository: put it back with your edits, and remove target/package.json'
  )
}

function restore() {
  if (!existsSync(KEPT)) return
  const text = readFileSync(PATH, 'utf8')
  if (JSON.parse(text).devDependencies !== undefined) return rmSync(KEPT)
  checkKept(text)
  replace(PATH, readFileSync(KEPT, 'utf8'))
  rmSync(KEPT)
}

/** Writes a file atomically. @param {string} path @param {string} text */
function replace(path, text) {
  writeFileSync(`${path}.new`, text)
  renameSync(`${path}.new`, path)
}

module.exports = { platforms, published }

if (require.main === module) {
  const steps = { publish, restore }
  const step = steps[/** @type {keyof steps} */ (process.argv[2])]
  if (step === undefined) throw new Error(`Say one of ${Object.keys(steps).join(', ')}`)
  step()
}
