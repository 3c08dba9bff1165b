'use strict'

const assert = require('node:assert/strict')
const { randomBytes } = require('node:crypto')
const { test } = require('node:test')
const { gzipSync } = require('node:zlib')
const { pool, transforms } = require('../..')

const { base64Decode, base64Encode, matches, replace } = transforms.text

test('base64 equals that of Buffer, in one call and streamed', async () => {
  for (const size of [0, 1, 2, 3, 5000, 2_000_000]) {
    const bytes = randomBytes(size)
    const text = bytes.toString('base64')
    assert.equal(await pool.run(base64Encode(), bytes), text)
    assert.ok((await pool.run(base64Decode(), text)).equals(bytes))
    assert.ok((await pool.run(base64Decode(), bytes.toString('base64url'))).equals(bytes))
    const sink = pool.collect(base64Encode())
    for (let start = 0; start < size; start += 777) sink.write(bytes.subarray(start, start + 777))
    sink.end()
    assert.equal(await sink.result, text)
  }
  await assert.rejects(pool.run(base64Decode(), 'Zm9v!'), {
    code: 'ERR_OFFLOOP_INVALID_DATA',
    offset: 4,
    message: "The base64 text has an unexpected '!' (at byte 4)"
  })
  const chained = transforms.chain(transforms.gunzip(), base64Encode())
  assert.equal(await pool.run(chained, gzipSync('foo')), 'Zm9v')
})

test('finds the same matches as JavaScript', async () => {
  const text = 'a😀b é 12, 👍🏽 345\n67 \ud800 8'
  for (const pattern of ['\\d+', '(\\w)(\\d)?', '^\\d', '[^\\x00-\\x7f]', '']) {
    const expected = [...text.matchAll(new RegExp(pattern, 'gmu'))].map(match => ({
      index: match.index,
      end: match.index + match[0].length,
      text: Buffer.from(match[0]).toString(),
      captures: match.slice(1).map(group => group ?? null)
    }))
    assert.deepEqual(await pool.run(matches(pattern, { flags: 'm' }), text), expected, pattern)
  }
  const groups = await pool.run(matches('(?<n>\\d)(?<m>x)?(y)?'), '1')
  assert.deepEqual(groups, [{ index: 0, end: 1, text: '1', captures: ['1', null, null], groups: { n: '1', m: null } }])
  assert.equal((await pool.run(matches('a', { limit: 2 }), 'aaaa')).length, 2)
})

test('interprets replacements like JavaScript', async () => {
  for (const replacement of ['[$&]', '$1$2', '$<first>!', '$$', '$9', '$', 'plain']) {
    const expected = 'ab cd'.replace(/(?<first>\w)(\w)/g, replacement)
    assert.equal(await pool.run(replace('(?<first>\\w)(\\w)', replacement), 'ab cd'), expected, replacement)
  }
})

test('finds the same empty matches as JavaScript', async () => {
  for (const [pattern, text] of [
    ['x*', 'x'],
    ['x*', 'ax😀x'],
    ['', '😀'],
    ['$|b', 'ab'],
    ['(?:)', '']
  ]) {
    assert.equal(await pool.run(replace(pattern, '-'), text), text.replace(new RegExp(pattern, 'gu'), '-'), pattern)
  }
  assert.deepEqual(await pool.run(matches(' a # b\n c', { flags: 'x' }), 'ac'), [
    { index: 0, end: 2, text: 'ac', captures: [] }
  ])
})

test('factories throw for patterns that need more than linear time', async () => {
  for (const pattern of ['(?=a)', '(?<!a)b', '(a)\\1', '(', '[']) {
    assert.throws(() => matches(pattern), { name: 'TypeError', code: 'ERR_INVALID_ARG_VALUE' }, pattern)
    assert.throws(() => replace(pattern, ''), { code: 'ERR_INVALID_ARG_VALUE' })
  }
  assert.throws(() => matches('a', { flags: 'ii' }), /must not repeat a flag\. Received 'ii'/)
  assert.throws(() => matches('a', { flags: 'y' }), /of 'g', 'i', 'm', 's', 'u' and 'x'/)
  for (const make of /** @type {any[]} */ ([matches, replace])) {
    assert.throws(() => make(/a/i, ''), {
      code: 'ERR_INVALID_ARG_TYPE',
      message: /RegExp: pass pattern\.source, and its flags/
    })
  }
  assert.deepEqual(await pool.run(matches('^(a+)+$'), `${'a'.repeat(100_000)}!`), [])
  await assert.rejects(pool.run(matches('a'), Buffer.from([97, 255])), { code: 'ERR_OFFLOOP_INVALID_DATA', offset: 1 })
})
