'use strict'

// Describes calls in unknown text protocols: lines of words, or JSON objects. The verbs of a call show whether it reads or writes.

/**
 * @typedef {object} Description
 * @property {'read' | 'write' | 'unknown'} access two equal calls that read may share a result
 * @property {string} text text for the excerpt of the report
 * @property {string} template the call without the values that differ from one call to the next
 * @property {string | undefined} [family] the template without its last part, which may be an id
 * @property {boolean} isPaged whether calls in sequence may read the pages of one result
 */

/** Maximum length of a template, and length of the beginning of a call that must be text, in characters. */
const MOST = 80
const LAST = 256

const IGNORED =
  /^(?:ping|quit|noop|version|stats|auth|hello|e?hlo|helo|starttls|begin|commit|rollback|multi|exec|heartbeat|health\w*)$/
/** First words of lines that are not counted, in FTP, SMTP and SQL. */
const IGNORED_LINES = /^(?:user|pass|connect|mail|rcpt|data|rset|start)$/
const WRITES = new Set(
  (
    'set setex setnx mset getset getdel incr incrby decr decrby del delete remove append prepend add replace cas touch put post patch ' +
    'insert update upsert merge save store create write push lpush rpush pop lpop rpop blpop brpop take reserve enqueue dequeue ack ' +
    'publish subscribe sadd srem zadd zrem hset hdel hincrby expire lock unlock acquire release send call exec execute'
  ).split(' ')
)
const READS = new Set(
  (
    'get gets mget getall hget hmget hgetall hkeys hvals lrange lindex llen smembers sismember scard zrange zscore strlen exists has ' +
    'find fetch load read lookup query search select list count show describe'
  ).split(' ')
)
const PAGED = /\b(?:page|cursor|offset|next|scan|chunk)\b/i
/** A JSON property that names the operation of a call, with its value. */
const OPERATION =
  /"(?:op|operation|cmd|command|method|action|verb|type|kind|sql|query|statement|text)"\s*:\s*"\s*([A-Za-z][\w.:/-]*)/gi
/** First word of a line, after a number or tag that matches the call to its answer. */
const FIRST = /^\s*(?:[a-z]?\d+[\s:|]+)?([A-Za-z]\w*)(?=\s|$)/
/** A number that matches a call to its answer: at the start of a line, in the first JSON property, or in a JSON-RPC call. */
const COUNTED = [
  /^()(\d+)[\s:|]/,
  /^(\s*\{\s*"(?:id|i|n|no|seq|tag|[rmc]id|(?:re?q|msg|message|request|corr|call)\w*)"\s*:\s*"?)(\d+)/i,
  /^(\s*\{\s*"jsonrpc".*?"id"\s*:\s*"?)(\d+)/
]

/**
 * Describes a call. Returns undefined for calls that are not counted, and for bytes that are not text.
 * @param {string} bytes
 * @returns {Description | undefined}
 */
function describeText(bytes) {
  if (!isText(bytes)) return undefined
  const start = bytes.slice(0, MOST)
  const isJson = /^\s*[{[]/.test(bytes)
  const names = isJson ? [...bytes.matchAll(OPERATION)].map(match => match[1]) : [FIRST.exec(bytes)?.[1] ?? '']
  const operations = names.map(wordsOf)
  const [[first = ''] = []] = operations
  if (IGNORED.test(first) || (!isJson && IGNORED_LINES.test(first))) return undefined
  const template = start.replace(isJson ? /[\w.-]*\d[\w.-]*/g : /\S*\d\S*/g, '?')
  return { access: accessOf(operations.flat()), text: bytes, template, isPaged: PAGED.test(start) }
}

/** @param {string[]} words of operations */
function accessOf(words) {
  if (words.some(word => WRITES.has(word))) return 'write'
  return words.some(word => READS.has(word)) ? 'read' : 'unknown'
}

/** Returns the words of a name: `users`, `get`, `by`, `id` for `users.getById`. @param {string} name */
function wordsOf(name) {
  return name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter(word => word !== '')
}

/**
 * Splits a call at the number that matches the call to its answer. Returns undefined if there is no such number.
 * @param {string} text
 */
function splitAtNumber(text) {
  const match = COUNTED.map(pattern => pattern.exec(text)).find(found => found !== null)
  if (match === undefined || match === null) return undefined
  const [, before, digits] = match
  return { number: Number(digits), rest: before + text.slice(before.length + digits.length) }
}

/** @param {string} bytes */
function isText(bytes) {
  const start = bytes.slice(0, LAST)
  return start !== '' && !start.includes('\0') && start.replace(/[\x20-\x7e\t\r\n]/g, '').length <= start.length / 16
}

module.exports = { describeText, splitAtNumber }
