'use strict'

// The sources of the addon. Compares contents, since a checkout changes dates.

const { createHash } = require('node:crypto')
const { existsSync, readFileSync, readdirSync, statSync } = require('node:fs')
const { join, relative } = require('node:path')

const root = join(__dirname, '..', '..')
const SOURCES = ['src', 'build.rs', 'Cargo.toml', 'Cargo.lock', 'package.json']

/** The addon with the faults that tests inject, and the hash of its sources. */
const FAULT_ADDON = join(root, 'target', 'fault', 'offloop.node')
const FAULT_STAMP = join(root, 'target', 'fault', 'stamp')
/** Environment variable that is set once the addon with faults is known to be fresh. */
const IS_FRESH = 'OFFLOOP_FAULT_ADDON_IS_FRESH'

/**
 * Hashes the sources and other files.
 * @param {readonly string[]} [others] paths from the root
 */
function hashSources(others = []) {
  const hash = createHash('sha256')
  for (const file of [...SOURCES.flatMap(filesUnder), ...others]) {
    const path = join(root, file)
    hash
      .update(`${file}\0`)
      .update(existsSync(path) ? readFileSync(path) : 'missing')
      .update('\0')
  }
  return hash.digest('hex')
}

/**
 * @param {string} path from the root
 * @returns {string[]}
 */
function filesUnder(path) {
  const full = join(root, path)
  if (!existsSync(full)) return []
  if (statSync(full).isFile()) return [path]
  const entries = readdirSync(full, { withFileTypes: true, recursive: true })
  return entries
    .filter(entry => entry.isFile())
    .map(entry => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .sort()
}

/** Throws if the addon with faults is missing or was built from other sources. */
function checkFaultAddon() {
  if (process.env[IS_FRESH] !== undefined) return
  if (!existsSync(FAULT_STAMP) || !existsSync(FAULT_ADDON) || readFileSync(FAULT_STAMP, 'utf8') !== hashSources()) {
    throw new Error(`${FAULT_ADDON} is missing or stale. Build it: npm test -- --only 'fault addon'`)
  }
  process.env[IS_FRESH] = '1'
}

module.exports = { FAULT_ADDON, FAULT_STAMP, IS_FRESH, checkFaultAddon, hashSources }
