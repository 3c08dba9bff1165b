'use strict'

// Makes the published package.json: without the fields that only this repository needs, and with the addon packages. The
// repository's manifest cannot list those, because its lock file would have to name them before they are published. It is private,
// so that npm publishes only what scripts/release/pack.js makes of it.

const { readFileSync, readdirSync } = require('node:fs')
const { join } = require('node:path')
const { root } = require('../lib/process.js')

/** @param {string} path */
const read = path => JSON.parse(readFileSync(path, 'utf8'))

/** Returns the manifests of the addon packages by folder name. @returns {Record<string, any>} */
function platforms() {
  const folder = join(root, 'npm')
  return Object.fromEntries(readdirSync(folder).map(name => [name, read(join(folder, name, 'package.json'))]))
}

/** @param {any} manifest */
function published(manifest) {
  const { devDependencies, napi, private: _, scripts, ...rest } = manifest
  const addons = Object.values(platforms()).map(({ name, version }) => [name, version])
  return { ...rest, optionalDependencies: Object.fromEntries(addons) }
}

module.exports = { platforms, published }
