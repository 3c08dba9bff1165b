'use strict'

// Fixes for native functions and system calls that hold the event loop.

/** @typedef {import('../facts').FactFrame} FactFrame */

/** @type {{ name?: RegExp, file?: RegExp, fix: string }[]} */
const REMEDIES = [
  {
    name: /^JSON\.parse$/,
    fix:
      'pool.run(transforms.json.parse(), text) parses on another thread; ' +
      'without offloop, parse smaller documents, or use a streaming parser'
  },
  {
    name: /^JSON\.stringify$/,
    fix:
      'pool.run(transforms.json.stringify(), value) serializes in slices; ' +
      'without offloop, send smaller documents, or use a streaming serializer'
  },
  {
    name: /^(RegExp|String)\./,
    fix: 'pool.run(transforms.text.matches(pattern), text) matches without backtracking; or simplify the pattern'
  },
  {
    name: /^(Array|TypedArray|[A-Z]\w+Array)\.sort$/,
    fix: 'pool.run(transforms.numeric.sort(), values) sorts on all cores; or sort in the database'
  },
  { name: /^pbkdf2Sync$/, fix: 'pool.run(transforms.pbkdf2(…), password), or crypto.pbkdf2' },
  {
    name: /scryptSync|bcrypt|argon2|hashSync|compareSync/i,
    fix: 'pool.run(transforms.hashPassword(…), password), or the asynchronous function of that name'
  },
  {
    file: /^node:zlib$/,
    fix: 'pool.run(transforms.gzip(), data) or the transform of that format, or the asynchronous function of node:zlib'
  },
  {
    file: /^node:(internal\/)?crypto/,
    fix: 'pool.run(transforms.digest(…), data), hmac or seal, or the asynchronous function of node:crypto'
  },
  { file: /^node:child_process$/, fix: 'execFile or spawn instead of the synchronous function' },
  { file: /^node:(internal\/)?fs/, fix: 'the function of node:fs/promises instead of the synchronous one' },
  { name: /^Atomics\.wait$/, fix: 'Atomics.waitAsync, or a message from the other thread' }
]

/**
 * Returns the fix for the functions that a line calls, or `undefined` if all of them belong to the program. Functions closer to the line
 * come first: a hash of node:crypto normalizes the name of its algorithm with a regular expression.
 * @param {readonly FactFrame[]} callees innermost first
 */
function remedyOf(callees) {
  const remedies = callees.map(({ isUser, name, file }) => {
    return isUser ? undefined : REMEDIES.find(it => it.name?.test(name) || it.file?.test(file))
  })
  return remedies.findLast(remedy => remedy !== undefined)?.fix
}

module.exports = { remedyOf }
