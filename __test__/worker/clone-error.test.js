'use strict'

// The message about a value that cannot be cloned, whatever code of the value runs while it is searched.

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { Pool } = require('../../index.js')
const { node } = require('../support/child.js')
const { userFunction } = require('../support/worker.js')
const { no, revoked, trapped, values } = require('../fixtures/user-code/values.js')

const pool = new Pool({ threads: 1 })

/** @param {unknown} input */
const messageOf = async input =>
  (await pool.run(userFunction(), input).catch((/** @type {any} */ error) => error)).message

class Keys extends Map {
  /** @type {any} */
  [Symbol.iterator] = () => no('iterator')
  /** @type {any} */
  forEach = () => no('forEach')
}

/** @type {[input: unknown, message: RegExp][]} */
const cases = [
  [
    {
      get a() {
        return no('a')
      }
    },
    /: reading input\.a throws Error: no a$/
  ],
  [[1, { b: values['throwing getter']() }], /: reading input\[1\]\.b\.a throws Error: no a$/],
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
            return no('message')
          }
        }
      }
    },
    /: reading input\.a throws (Object|an object)$/
  ],
  [
    {
      get a() {
        throw new RangeError('mine')
      }
    },
    /: reading input\.a throws RangeError: mine$/
  ],
  [trapped('get'), /: input is a Proxy$/],
  [{ a: [trapped('getPrototypeOf')] }, /: input\.a\[0\] is a Proxy$/],
  [{ a: revoked([]) }, /: input\.a is a Proxy$/],
  [revoked(() => {}), /: input is a function$/],
  [new Keys([['k', { f() {} }]]), /: input\.get\(k\)\.f is a function$/],
  [new Map([[Symbol('s'), 1]]), /: input\.keys\(\) is a symbol$/],
  [new Map([[values['throwing toPrimitive'](), () => {}]]), /: input\.get\(an object\) is a function$/],
  [new Set([1, { f() {} }]), /: input\.values\(\)\.f is a function$/],
  [{ a: Object.setPrototypeOf(Promise.resolve(), null) }, /: input\.a is an object that cannot be cloned$/],
  [{ a: Object.setPrototypeOf(Promise.resolve(), trapped('get')) }, /: input\.a is an object that cannot be cloned$/],
  [{ [`${'k'.repeat(1000)}-`]: () => {} }, /^.{100,400}$/],
  [[...Array(5000).fill({}), { f() {} }], /: input\[5000\]\.f is a function$/]
]

test('the message names the part that cannot be cloned, and its place', async () => {
  for (const [input, message] of cases) assert.match(await messageOf(input), message)
  /** @type {any} */
  const circle = { n: 1, list: [] }
  circle.list.push(circle, { f() {} })
  assert.match(await messageOf(circle), /: input\.list\[1\]\.f is a function$/)
})

test('if a value can be cloned the second time, the message quotes the first error', async () => {
  let reads = 0
  const input = {
    get a() {
      return reads++ === 0 ? no('first') : 1
    }
  }
  assert.match(await messageOf(input), /cannot be cloned: Error: no first$/)
})

test('the search ends even if getters never do', async () => {
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

test('a getter that throws rejects its task and does not crash the process', async () => {
  const program = `
    const { pool, transforms } = require(${JSON.stringify(require.resolve('../../index.js'))})
    const echo = transforms.module(${JSON.stringify(require.resolve('../fixtures/user-code/constant.js'))})
    pool.run(echo, { get a() { throw new Error('no') } }).catch(error => console.log(error.name, error.message))`
  const { code, stdout, stderr } = await node(['-e', program], { timeout: 20_000 })
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' })
  assert.equal(stdout, 'DataCloneError The input cannot be cloned: reading input.a throws Error: no\n')
})
