'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { node } = require('../support/child')

const index = JSON.stringify(require.resolve('../..'))
const faulty = JSON.stringify(require.resolve('../support/fault-addon'))

/** @param {string} script */
const run = script => node(['-e', script])

test('loading the package starts no threads and does not keep the process alive', async () => {
  const { code, stdout } = await run(`
    const { pool, Pool, transforms } = require(${index})
    new Pool({ threads: 4 }); transforms.identity(); pool.stats()
    const { readdirSync, readFileSync, existsSync } = require('node:fs')
    const names = existsSync('/proc/self/task')
      ? readdirSync('/proc/self/task').map(id => readFileSync('/proc/self/task/' + id + '/comm', 'utf8').trim()) : []
    console.log(names.filter(name => name.startsWith('offloop')).length)
  `)
  assert.deepEqual([code, stdout.trim()], [0, '0'])
})

test('pending tasks keep the process alive, idle pools do not', async () => {
  const { code, stdout, stderr } = await run(`
    const { pool, Pool, transforms, move } = require(${index})
    const identity = transforms.identity()
    const print = name => () => console.log(name)
    pool.run(identity, 'x').then(print('small'))
    pool.run(identity, Buffer.alloc(3 << 20)).then(print('staged'))
    pool.run(identity, move(Buffer.alloc(3 << 20))).then(print('moved'))
    pool.map(identity, Array(1000).fill('x')).then(print('map'))
    new Pool().ready().then(print('ready'))
    new Pool({ maxWait: 60_000 }).run(identity, 'x').then(print('maxWait'))
    ;(async () => { for await (const _ of pool.iterate(identity, ['x'])); })().then(print('iterate'))
  `)
  assert.equal(code, 0, stderr)
  const printed = stdout.trim().split('\n').sort()
  assert.deepEqual(printed, ['iterate', 'map', 'maxWait', 'moved', 'ready', 'small', 'staged'])
})

test('process.exit() during work exits promptly with its code', async () => {
  for (const when of ['', 'setImmediate(() => ', 'setTimeout(() => ']) {
    const { code, signal, stderr } = await run(`
      const { pool, transforms, move, spin } = require(${faulty})
      for (let i = 0; i < 50; i++) {
        pool.run(spin, 'x').catch(() => {})
        pool.run(spin, move(Buffer.alloc(1 << 20))).catch(() => {})
        pool.run(spin, Buffer.alloc(3 << 20)).catch(() => {})
        pool.map(spin, ['a', 'b']).catch(() => {})
      }
      ${when} process.exit(7) ${when && ')'}
    `)
    assert.deepEqual([code, signal, stderr], [7, null, ''])
  }
})

test('an uncaught exception during work exits promptly', async () => {
  const { code, signal, stderr } = await run(`
    const { pool, transforms, move, spin } = require(${faulty})
    pool.run(spin, move(Buffer.alloc(1 << 20)))
    pool.run(transforms.identity(), 'x').then(() => { throw new Error('on purpose') })
  `)
  assert.deepEqual([code, signal], [1, null])
  assert.match(stderr, /on purpose/)
})

test('a rejected task without a handler is an unhandled rejection', async () => {
  const { code, stderr } = await run(`
    const { pool } = require(${index})
    pool.run(null, 'x')
  `)
  assert.equal(code, 1)
  assert.match(stderr, /ERR_INVALID_ARG_TYPE/)
})

test('unreachable pools are collected with their threads', async () => {
  const { code, stderr } = await node([
    '--expose-gc',
    '-e',
    `
    const { Pool, transforms } = require(${index})
    const { threadNames } = require(${JSON.stringify(require.resolve('../support/threads'))})
    const turn = () => new Promise(resolve => setImmediate(resolve))
    ;(async () => {
      for (let i = 0; i < 20; i++) await new Pool({ name: 'lost' + i, threads: 2 }).run(transforms.identity(), 'x')
      if (process.platform !== 'linux') return
      while (threadNames('offloop-lost').length > 0) { gc(); await turn() }
    })()
  `
  ])
  assert.equal(code, 0, stderr)
})

test('two copies of the package work in one thread', async () => {
  const { pool, transforms } = require('../..')
  for (const key of Object.keys(require.cache)) if (!key.endsWith('.node')) delete require.cache[key]
  const second = require('../..')
  assert.notEqual(second.pool, pool)
  const [a, b] = await Promise.all([
    pool.run(transforms.identity(), 'first'),
    second.pool.run(second.transforms.identity(), 'second')
  ])
  assert.deepEqual([String(a), String(b)], ['first', 'second'])
})
