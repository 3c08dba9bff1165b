'use strict'

const assert = require('node:assert/strict')
const { test } = require('node:test')
const v8 = require('node:v8')
const { Pool, transforms } = require('../..')
const { Task } = require('../../lib/task/task')

const identity = transforms.identity()
const countTasks = () => v8.queryObjects(Task, { format: 'count' })

test('a queued task without a signal keeps no Task object', { skip: v8.queryObjects === undefined }, async () => {
  const pool = new Pool({ threads: 1 })
  const input = new Uint8Array(8)
  const before = countTasks()
  const bare = Array.from({ length: 100 }, () => pool.run(identity, input))
  assert.equal(countTasks(), before)
  const { signal } = new AbortController()
  const watched = pool.run(identity, input, { signal })
  assert.equal(countTasks(), before + 1)
  await Promise.all([...bare, watched])
  await pool.close()
})
