'use strict'

// Messages for values that cannot be cloned, including values that run code while they are searched.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Pool } = require('../../index.js')
const { node } = require('../support/child.js')
const { userFunction } = require('../support/worker.js')
const { fail, revoked, poisonedProxy, values } = require('../fixtures/user-code/values.js')

const pool = new Pool({ threads: 1 })

/** @param {unknown} input */
const messageOf = async input =>
  (await pool.run(userFunction(), input).catch((/** @type {any} */ error) => error)).message

class Keys extends Map {
  /** @type {any} */
  [Symbol.iterator] = () => fail('iterator')
  /** @type {any} */
  forEach = () => fail('forEach')
}

/** @type {[input: unknown, message: RegExp][]} */
const cases = [
  [
    {
      get a() {
        return fail('a')
      }
    },
    /: reading input\.a throws Error: a failed$/
  ],
  [[1, { b: values['throwing getter']() }], /: reading input\[1\]\.b\.a throws Error: a failed$/],
  [
    {
      get a() {
        throw null
      }
    },
    /: reading input\.a throws null$/
  ],
  [
    {
      get a() {
        throw Symbol('s')
      }
    },
    /: reading input\.a throws Symbol\(s\)$/
  ],
  [
    {
      get a() {
        throw revoked({})
      }
    },
    /: reading input\.a throws a Proxy$/
  ],
  [
    {
      get a() {
        throw {
          get message() {
            return fail('message')
          }
        }
      }
    },
    /: reading input\.a throws (Object|an object)$/
  ],
  [
    {
      get a() {
        throw new RangeError('own')
      }
    },
    /: reading input\.a throws RangeError: own$/
  ],
  [poisonedProxy('get'), /: input is a Proxy$/],
  [{ a: [poisonedProxy('getPrototypeOf')] }, /: input\.a\[0\] is a Proxy$/],
  [{ a: revoked([]) }, /: input\.a is a Proxy$/],
  [revoked(() => {}), /: input is a function$/],
  [new Keys([['k', { f() {} }]]), /: input\.get\(k\)\.f is a function$/],
  [new Map([[Symbol('s'), 1]]), /: input\.keys\(\) is a symbol$/],
  [new Map([[values['throwing toPrimitive'](), () => {}]]), /: input\.get\(an object\) is a function$/],
  [new Set([1, { f() {} }]), /: input\.values\(\)\.f is a function$/],
  [{ a: Object.setPrototypeOf(new WeakMap(), null) }, /: input\.a is an object that cannot be cloned$/],
  [{ a: Object.setPrototypeOf(new WeakMap(), poisonedProxy('get')) }, /: input\.a is an object that cannot be cloned$/],
  [{ [`${'k'.repeat(1000)}-`]: () => {} }, /^.{100,400}$/],
  [[...Array(5000).fill({}), { f() {} }], /: input\[5000\]\.f is a function$/]
]

test('the message has the path of the part that cannot be cloned', async () => {
  for (const [input, message] of cases) assert.match(await messageOf(input), message)
  /** @type {any} */
  const cyclic = { n: 1, list: [] }
  cyclic.list.push(cyclic, { f() {} })
  assert.match(await messageOf(cyclic), /: input\.list\[1\]\.f is a function$/)
})

test('quotes the first error if the value can be cloned the second time', async () => {
  let reads = 0
  const input = {
    get a() {
      return reads++ === 0 ? fail('first') : 1
    }
  }
  assert.match(await messageOf(input), /cannot be cloned: Error: first failed$/)
})

test('the search ends for endless getters', async () => {
  const chain = () => ({
    get next() {
      return chain()
    }
  })
  const tree = () => ({
    get left() {
      return tree()
    },
    get right() {
      return tree()
    }
  })
  for (const input of [chain(), tree()]) assert.match(await messageOf(input), /it is nested too deeply$/)
})

test('a throwing getter rejects its task and does not crash the process', async () => {
  const program = `
    const { pool, transforms } = require(${JSON.stringify(require.resolve('../../index.js'))})
    const echo = transforms.worker(${JSON.stringify(require.resolve('../fixtures/user-code/constant.js'))})
    pool.run(echo, { get a() { throw new Error('no') } }).catch(error => console.log(error.name, error.message))`
  const { code, stdout, stderr } = await node(['-e', program], { timeout: 20_000 })
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  assert.equal(stdout, 'DataCloneError The input cannot be cloned: reading input.a throws Error: no\n')
})
