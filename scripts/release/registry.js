'use strict'

// The start of lib/bundle.js in the published package: a registry of its modules, to which scripts/release/bundle.js adds them.

const { join } = require('node:path')

/**
 * @typedef {(exports: any, module: { exports: any }, filename?: string, dirname?: string) => void} Definition code of a module
 * @typedef {Record<string, Definition>} Definitions by path from the root of the package
 * @typedef {(fromBundle: (path: string) => any, Import: new (path: string) => { exports: any }) => Definitions} Folder
 */

/** The modules that have been read, of this file and of folders. @type {Definitions} */
const definitions = Object.create(null)

/** Read the other modules, by folder of lib/. @type {Record<string, () => Folder>} */
const folders = {}

/** Modules by path, also while they are loading. @type {Map<string, { exports: any }>} */
const modules = new Map()

/** Unknown in an ES module into which a program's bundler put this. */
const here = typeof __filename === 'string' ? __filename : undefined
/** Unknown if a program's bundler put this into another file. */
const root = here !== undefined && /[\\/]lib[\\/]bundle\.js$/.test(here) ? join(here, '../..') : undefined

/** Returns the exports of a module, which is loaded at the first call. @param {string} path */
function fromBundle(path) {
  return (modules.get(path) ?? load(path)).exports
}

/** @param {string} path */
function load(path) {
  if (!(path in definitions)) Object.assign(definitions, folders[path.split('/')[1]]()(fromBundle, Import))
  const loading = { exports: {} }
  modules.set(path, loading)
  const filename = root === undefined ? here : join(root, path)
  try {
    definitions[path](loading.exports, loading, filename, filename && join(filename, '..'))
  } catch (error) {
    modules.delete(path)
    throw error
  }
  return loading
}

/** An import that loads its module when a name of it is first read. */
class Import {
  #path

  /** @param {string} path */
  constructor(path) {
    this.#path = path
  }

  /** Replaces itself by a property. @returns {any} */
  get exports() {
    const value = fromBundle(this.#path)
    Object.defineProperty(this, 'exports', { value })
    return value
  }
}

module.exports = { Import, fromBundle }
