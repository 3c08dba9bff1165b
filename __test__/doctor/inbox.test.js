'use strict'

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { mock, test } = require('node:test')

const { rmSync, writeFileSync } = fs
// Before the inbox is loaded, which keeps the function.
const remove = mock.method(fs, 'rmSync')
const { Inbox } = require('../../lib/doctor/inbox')
const { factsPath } = require('../../lib/doctor/settings')

test('the files of a directory that was removed can be read', t => {
  const inbox = new Inbox()
  t.after(() => inbox.remove())
  writeFileSync(factsPath(inbox.directory, 1, 0), '{ "type": "hello" }\n')
  assert.deepEqual([inbox.read(), inbox.fault], [[[{ type: 'hello' }]], undefined])
  rmSync(inbox.directory, { recursive: true })
  assert.deepEqual([inbox.read(), inbox.all(), inbox.processes()], [[[{ type: 'hello' }]], [[{ type: 'hello' }]], []])
  inbox.command({ phase: 'finish', snapshots: 0 })
  assert.match(inbox.fault ?? '', /^The temporary directory cannot be used: ENOENT/)
})

test('a directory that cannot be removed does not cost the report', () => {
  const inbox = new Inbox()
  remove.mock.mockImplementationOnce(() => {
    throw new Error('ENOTEMPTY')
  })
  inbox.remove()
  assert.equal(remove.mock.callCount(), 2)
  rmSync(inbox.directory, { recursive: true })
})
