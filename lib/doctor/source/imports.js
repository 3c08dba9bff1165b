'use strict'

const { existsSync } = require('node:fs')
const { dirname, join } = require('node:path')
const { childrenOf, treeOf } = require('./syntax')

/** @typedef {import('../vendor/acorn').AnyNode} AnyNode */

/** Endings that a specifier may lack. */
const ENDINGS = ['', '.js', '.cjs', '.mjs', '.ts', '/index.js', '/index.ts']
const RELATIVE = /^\.\.?\//
const MAX_FILES = 32

/**
 * Returns the files that a file imports by relative paths.
 * @param {string} text of the file
 * @param {string} file
 */
function importsOf(text, file) {
  const tree = treeOf(text)
  const specifiers = tree === undefined ? [] : specifiersIn(tree)
  return specifiers.slice(0, MAX_FILES).flatMap(specifier => {
    const path = join(dirname(file), specifier)
    const ending = ENDINGS.find(it => existsSync(path + it))
    return ending === undefined ? [] : [path + ending]
  })
}

/** @param {AnyNode} root */
function specifiersIn(root) {
  const specifiers = new Set()
  const open = [root]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const specifier = specifierOf(node)
    if (typeof specifier === 'string' && RELATIVE.test(specifier)) specifiers.add(specifier)
    open.push(...childrenOf(node))
  }
  return [...specifiers]
}

/** Returns the specifier of an import or a call of `require`. @param {AnyNode} node */
function specifierOf(node) {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
      return node.source?.value
    case 'ImportExpression':
      return node.source.type === 'Literal' ? node.source.value : undefined
    case 'CallExpression': {
      const [first] = node.arguments
      const isRequire = node.callee.type === 'Identifier' && node.callee.name === 'require'
      return isRequire && first?.type === 'Literal' ? first.value : undefined
    }
    default:
      return undefined
  }
}

module.exports = { importsOf }
