'use strict'

const { readFileSync, readdirSync } = require('node:fs')
const { join, relative } = require('node:path')

const root = join(__dirname, '..', '..')
const IGNORED = new Set(['node_modules', 'target', '.git', 'package-lock.json', 'Cargo.lock'])
const TEXT = /\.(rs|js|cjs|mjs|ts|mts|md|json|toml|yml|sh)$|(^|\/)(run|\.\w+)$/

/**
 * Reads the project's own text files.
 * @param {string} [folder]
 * @returns {Record<string, string>} paths from the root, with slashes, to text
 */
function projectFiles(folder = '') {
  const entries = readdirSync(join(root, folder), { withFileTypes: true }).filter(entry => !IGNORED.has(entry.name))
  return Object.assign(
    {},
    ...entries.map(entry => {
      const path = relative(root, join(root, folder, entry.name)).replaceAll('\\', '/')
      if (entry.isDirectory()) return projectFiles(path)
      return entry.isFile() && TEXT.test(path) ? { [path]: readFileSync(join(root, path), 'utf8') } : {}
    })
  )
}

module.exports = { projectFiles, root }
