'use strict'

// Calls in protocols of text that have no name: lines of words, or objects of JSON. Their verbs say whether they read or write.

/**
 * @typedef {object} Description
 * @property {'read' | 'write' | 'unknown'} access whether two equal calls may share a result
 * @property {string} text for the excerpt of the report
 * @property {string} template
 * @property {boolean} isPaged whether calls one after another read the pages of one result
 */

/** Characters of a call that its template is made of. */
const MOST = 80
const LAST = 256

const IGNORED =
  /^(?:ping|quit|noop|version|stats|auth|hello|e?hlo|helo|starttls|begin|commit|rollback|multi|exec|heartbeat|health\w*)$/
/** First words of lines of FTP, SMTP and SQL. */
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
/** A property that names the operation of a call, with its value. */
const OPERATION =
  /"(?:op|operation|cmd|command|method|action|verb|type|kind|sql|query|statement|text)"\s*:\s*"\s*([A-Za-z][\w.:/-]*)/gi
/** First word of a line, after a number or tag by which the client knows the answer. */
const FIRST = /^\s*(?:[a-z]?\d+[\s:|]+)?([A-Za-z]\w*)(?=\s|$)/
/** A number by which a client knows the answer of a call: at the start of the line, as first property, or of a call of JSON-RPC. */
const COUNTED = [
  /^()(\d+)[\s:|]/,
  /^(\s*\{\s*"(?:id|i|n|no|seq|tag|[rmc]id|(?:re?q|msg|message|request|corr|call)\w*)"\s*:\s*"?)(\d+)/i,
  /^(\s*\{\s*"jsonrpc".*?"id"\s*:\s*"?)(\d+)/
]

/**
 * Describes a call, or returns undefined for one that is not counted, or that is not text.
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

/** Returns the words of a name, such as those of `users.getById`. @param {string} name */
function wordsOf(name) {
  return name
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter(word => word !== '')
}

/**
 * Splits a call at the number by which its client knows the answer. Returns undefined if it has none.
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
