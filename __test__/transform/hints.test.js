'use strict'

// Common first mistakes: the error states the remedy.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { pool, transforms } = require('../..')

const { chain, csv, digest, gzip, hashPassword, json, numeric, open, seal, text, verifyPassword, worker } =
  /** @type {any} */ (transforms)
const key = Buffer.alloc(32)

/**
 * @param {string} code
 * @param {string} hint end of the message
 */
function explained(code, hint) {
  return (/** @type {any} */ error) => {
    assert.ok(error instanceof TypeError)
    assert.equal(/** @type {any} */ (error).code, code)
    assert.ok(error.message.endsWith(`. ${hint}`), error.message)
    assert.ok(error.stack?.includes(hint))
    return true
  }
}

test('a factory that is called with the input refers to pool.run', () => {
  const hint = 'Make the transform once and pass its input to pool.run()'
  for (const call of [
    () => gzip('data'),
    () => gzip(Buffer.from('data')),
    () => verifyPassword('$2b$12$hash'),
    () => hashPassword('pw'),
    () => json.parse('{}'),
    () => json.stringify(null, 2),
    () => json.stringify([1]),
    () => csv.parse('a,b'),
    () => text.base64Encode('data'),
    () => digest('sha256', 'data'),
    () => numeric.sort(new Float64Array(1))
  ]) {
    assert.throws(call, explained('ERR_INVALID_ARG_TYPE', hint))
  }
  assert.throws(() => csv.aggregate(), { message: 'The "options" argument must be of type object. Received undefined' })
})

test('aad is refused as an option of the factory', () => {
  for (const make of [seal, open]) {
    const call = () => make('aes-256-gcm', key, { aad: 'user' })
    assert.throws(call, explained('ERR_INVALID_ARG_VALUE', 'It belongs to the input: { data, aad }'))
  }
})

test('functions and lists in place of a transform or module are refused', async () => {
  const add = (/** @type {number} */ x) => x + 1
  const refused = (/** @type {string} */ hint) => explained('ERR_INVALID_ARG_TYPE', hint)
  assert.throws(() => worker(add), refused('A function cannot be sent to a thread: export it from a module'))
  assert.throws(() => chain([gzip()]), refused('Pass the steps as arguments: chain(...steps)'))
  assert.throws(() => chain(gzip(), /** @type {any} */ (5)), { message: /^steps\[1\] must be .* type number \(5\)$/ })
  const exported = 'To run a function, export it from a module, and pass the module to transforms.worker()'
  await assert.rejects(pool.run(/** @type {any} */ (add), 1), refused(exported))
  for (const factory of [gzip, json.parse, json.stringify, numeric.sort, worker, chain]) {
    await assert.rejects(pool.run(factory, 'x'), refused('This is the factory of a transform: call it'))
  }
})

test('a promise in place of the input is refused', async () => {
  const message = /Received an instance of Promise: await it first$/
  const later = /** @type {any} */ (Promise.resolve('data'))
  await assert.rejects(pool.run(gzip(), later), { code: 'ERR_INVALID_ARG_TYPE', message })
})

test('factories keep their names', () => {
  assert.deepEqual(
    [gzip, json.stringify, numeric.sort, chain].map(it => it.name),
    ['gzip', 'stringify', 'sort', 'chain']
  )
})
