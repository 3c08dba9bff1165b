'use strict'

// The rules of a tier on one record, as pure functions: each gets the record and the time, and returns the next record, the reply to
// the caller and the message to all processes. A record holds a value, or the permission to load it (a lease), or both. Removing or
// replacing a record revokes its lease, so a load that began earlier can no longer store its value.

/**
 * An encoded value or error.
 * @typedef {{ codec: string, compression: string, bytes: Uint8Array }} Body
 *
 * The permission to load. Its token is never used again.
 * @typedef {{ token: string, until: number }} Lease
 *
 * Content of a record: only a lease; a value; the error of a failed load; or the note that each process loads and keeps its own
 * value, for example because it is too large.
 * @typedef {'lease' | 'value' | 'error' | 'local'} Kind
 *
 * @typedef {object} Record
 * @property {Kind} kind
 * @property {string} generation of the cache when the record was written
 * @property {string} version token of the load, or of the `set`, that made the value
 * @property {Body | undefined} body
 * @property {Lease | undefined} lease
 * @property {boolean} isAwaited whether another process waits for the end of the lease
 * @property {number} refreshAt time from which a reader starts a reload
 * @property {number} freshUntil
 * @property {number} expiresAt
 *
 * Milliseconds from the store until a value is due for reload, stale, and removed.
 * @typedef {{ refresh: number, fresh: number, keep: number }} Lifetime
 *
 * Lookup of a reader. Mode: `look` if the reader cannot load, `refresh` if it wants a value newer than the stored one, `fallback` if
 * a load has failed and a stale value will do.
 * @typedef {object} TakeRequest
 * @property {string} token for the lease
 * @property {number} leaseTtl
 * @property {'load' | 'refresh' | 'look' | 'fallback'} mode
 * @property {string} known version of the reader's copy, or an empty string
 * @property {number} revalidates how long a stale value may be served while it is reloaded
 * @property {number} servesOnError how long a stale value may be served if its reload fails
 * @property {number} notAfter latest time at which the command may grant a lease
 *
 * @typedef {object} Served a value, whose times are relative to now
 * @property {'value'} kind
 * @property {boolean} leads whether the reader has the lease for a reload
 * @property {boolean} isUsable whether the reader may serve the value before that reload has failed
 * @property {string} version
 * @property {number} refresh
 * @property {number} fresh
 * @property {Body | undefined} body absent if the reader knows the version
 *
 * @typedef {Served | { kind: 'absent' } | { kind: 'late' } | { kind: 'lead' } | { kind: 'mine', token: string }
 *   | { kind: 'busy', left: number } | { kind: 'error', body: Body } | { kind: 'local' }} TakeReply
 *
 * A message about an id: it was deleted or replaced, or a load has ended that other processes may wait for.
 * @typedef {{ kind: 'dropped', version: string } | { kind: 'stored', version: string } | { kind: 'released' }
 *   | { kind: 'failed', body: Body } | { kind: 'passed', body: Body }} Message
 *
 * End of a load that stores no value.
 * @typedef {object} FinishRequest
 * @property {string} token
 * @property {'error' | 'unshared' | 'local' | 'abandoned'} outcome `unshared`: the value must not be stored; `local`: it is too large
 * @property {Body | undefined} body error, or value for waiting callers
 * @property {number} keep how long an error or a `local` note is kept; 0 for no time
 * @property {number} servesOnError
 */

/** Number of characters of a token that are common to all tokens of a thread. */
const SOURCE_LENGTH = 6

/**
 * Returns whether a record exists for its readers: it has not expired, and the cache has not been cleared since it was written.
 * @param {Record | undefined} record
 * @param {string} generation
 * @param {number} now
 * @returns {record is Record}
 */
function exists(record, generation, now) {
  return record !== undefined && record.generation === generation && now < record.expiresAt
}

/**
 * Reads a record. Grants the lease if there is nothing to read, or if a reload is due.
 * @param {Record | undefined} record
 * @param {string} generation
 * @param {TakeRequest} request
 * @param {number} now
 * @returns {{ record: Record | undefined, reply: TakeReply }}
 */
function take(record, generation, request, now) {
  if (!exists(record, generation, now) || isOver(record, request, now)) return lead(record, generation, request, now)
  if (record.kind === 'lease') return wait(record, request, now)
  if (record.kind === 'value') return serve(record, request, now)
  if (record.kind === 'local') return { record, reply: { kind: 'local' } }
  return { record, reply: { kind: 'error', body: /** @type {Body} */ (record.body) } }
}

/**
 * Returns whether a record has nothing left for a reader.
 * @param {Record} record
 * @param {TakeRequest} request
 * @param {number} now
 */
function isOver({ kind, lease, freshUntil }, { revalidates, servesOnError }, now) {
  if (kind === 'lease') return !isLive(lease, now)
  return kind === 'value' && now >= freshUntil + Math.max(revalidates, servesOnError) && !isLive(lease, now)
}

/**
 * @param {Lease | undefined} lease
 * @param {number} now
 * @returns {lease is Lease}
 */
function isLive(lease, now) {
  return lease !== undefined && now < lease.until
}

/** Returns whether a mode loads. @param {TakeRequest['mode']} mode */
function mayLoad(mode) {
  return mode === 'load' || mode === 'refresh'
}

/**
 * Grants the lease of a record without a value.
 * @param {Record | undefined} record
 * @param {string} generation
 * @param {TakeRequest} request
 * @param {number} now
 * @returns {{ record: Record | undefined, reply: TakeReply }}
 */
function lead(record, generation, { token, leaseTtl, mode, notAfter }, now) {
  if (!mayLoad(mode)) return { record, reply: { kind: 'absent' } }
  if (now > notAfter) return { record, reply: { kind: 'late' } }
  const until = now + leaseTtl
  const times = { refreshAt: until, freshUntil: until, expiresAt: until }
  const lease = { token, until }
  return {
    record: { kind: 'lease', generation, version: token, body: undefined, lease, isAwaited: false, ...times },
    reply: { kind: 'lead' }
  }
}

/**
 * Answers a reader that has to wait for the load in flight.
 * @param {Record} record with a live lease
 * @param {TakeRequest} request
 * @param {number} now
 * @returns {{ record: Record, reply: TakeReply }}
 */
function wait(record, { token, mode }, now) {
  if (!mayLoad(mode)) return { record, reply: { kind: 'absent' } }
  const lease = /** @type {Lease} */ (record.lease)
  if (isOfOneSource(lease.token, token)) return { record, reply: { kind: 'mine', token: lease.token } }
  return { record: { ...record, isAwaited: true }, reply: { kind: 'busy', left: lease.until - now } }
}

/**
 * Serves a value, with the lease if a reload is due and no other reader has the lease.
 * @param {Record} record
 * @param {TakeRequest} request
 * @param {number} now
 * @returns {{ record: Record, reply: TakeReply }}
 */
function serve(record, request, now) {
  const { token, leaseTtl, mode, known, notAfter } = request
  const { version, refreshAt, freshUntil, lease } = record
  const isUsable = now < usableUntil(record, request)
  if (!isUsable && (isLive(lease, now) || !mayLoad(mode))) return wait(record, request, now)
  const isDue = !isUsable || now >= Math.min(refreshAt, freshUntil)
  const leads = isDue && mayLoad(mode) && !isLive(lease, now) && now <= notAfter
  if (!isUsable && !leads) return { record, reply: { kind: 'late' } }
  const until = now + leaseTtl
  return {
    record: leads
      ? { ...record, lease: { token, until }, isAwaited: false, expiresAt: Math.max(record.expiresAt, until) }
      : record,
    reply: {
      kind: 'value',
      leads,
      isUsable,
      version,
      refresh: refreshAt - now,
      fresh: freshUntil - now,
      body: known === version ? undefined : record.body
    }
  }
}

/**
 * Returns the time until which a reader may serve a value.
 * @param {Record} record
 * @param {TakeRequest} request
 */
function usableUntil({ freshUntil }, { mode, revalidates, servesOnError }) {
  if (mode === 'refresh') return Number.NEGATIVE_INFINITY
  if (mode === 'look') return freshUntil
  return freshUntil + (mode === 'load' ? revalidates : servesOnError)
}

/**
 * Returns whether two tokens come from the same thread.
 * @param {string} one
 * @param {string} other
 */
function isOfOneSource(one, other) {
  return one.slice(0, SOURCE_LENGTH) === other.slice(0, SOURCE_LENGTH)
}

/**
 * Returns whether a record has the lease of a token. An expired lease counts until another command replaces it.
 * @param {Record | undefined} record
 * @param {string} generation
 * @param {string} token
 * @returns {record is Record & { lease: Lease }}
 */
function isLeasedTo(record, generation, token) {
  return record !== undefined && record.generation === generation && record.lease?.token === token
}

/**
 * Stores the value of a load, unless its lease was revoked.
 * @param {Record | undefined} record
 * @param {string} generation
 * @param {{ token: string, body: Body, lifetime: Lifetime }} request
 * @param {number} now
 * @returns {{ record: Record | undefined, reply: 'stored' | 'denied', message?: Message }}
 */
function store(record, generation, { token, body, lifetime }, now) {
  if (!isLeasedTo(record, generation, token)) return { record, reply: 'denied' }
  const isOfInterest = record.isAwaited || record.kind === 'value'
  return {
    record: valueRecord(generation, token, body, lifetime, now),
    reply: 'stored',
    ...(isOfInterest ? { message: { kind: 'stored', version: token } } : {})
  }
}

/**
 * @param {string} generation
 * @param {string} version
 * @param {Body} body
 * @param {Lifetime} lifetime
 * @param {number} now
 * @returns {Record}
 */
function valueRecord(generation, version, body, { refresh, fresh, keep }, now) {
  const times = { refreshAt: now + refresh, freshUntil: now + fresh, expiresAt: now + keep }
  return { kind: 'value', generation, version, body, lease: undefined, isAwaited: false, ...times }
}

/**
 * Ends a load without a value to store. Processes that wait for the load get its error, or the value that is not stored.
 * @param {Record | undefined} record
 * @param {string} generation
 * @param {FinishRequest} request
 * @param {number} now
 * @returns {{ record: Record | undefined, reply: 'finished' | 'denied', message?: Message }}
 */
function finish(record, generation, request, now) {
  if (!isLeasedTo(record, generation, request.token)) return { record, reply: 'denied' }
  return {
    record: afterFinish(record, request, now),
    reply: 'finished',
    ...(record.isAwaited ? { message: messageOf(request) } : {})
  }
}

/**
 * @param {Record} record
 * @param {FinishRequest} request
 * @param {number} now
 * @returns {Record | undefined}
 */
function afterFinish(record, { token, outcome, body, keep, servesOnError }, now) {
  const isReplaced = outcome === 'local' || (outcome === 'error' && keep > 0)
  const isStillServed = record.kind === 'value' && outcome !== 'local' && now < record.freshUntil + servesOnError
  if (isReplaced && !isStillServed) {
    const until = now + keep
    const times = { refreshAt: until, freshUntil: until, expiresAt: until }
    const { generation } = record
    const kind = outcome === 'local' ? 'local' : 'error'
    return {
      kind,
      generation,
      version: token,
      body: kind === 'error' ? body : undefined,
      lease: undefined,
      isAwaited: false,
      ...times
    }
  }
  return record.kind === 'value' ? { ...record, lease: undefined, isAwaited: false } : undefined
}

/**
 * @param {FinishRequest} request
 * @returns {Message}
 */
function messageOf({ outcome, body }) {
  if (body === undefined || outcome === 'abandoned' || outcome === 'local') return { kind: 'released' }
  return outcome === 'error' ? { kind: 'failed', body } : { kind: 'passed', body }
}

/**
 * Extends a lease whose load is still in flight.
 * @param {Record | undefined} record
 * @param {string} generation
 * @param {{ token: string, leaseTtl: number }} request
 * @param {number} now
 * @returns {{ record: Record | undefined, reply: 'renewed' | 'denied' }}
 */
function renew(record, generation, { token, leaseTtl }, now) {
  if (!isLeasedTo(record, generation, token)) return { record, reply: 'denied' }
  const until = now + leaseTtl
  return {
    record: { ...record, lease: { token, until }, expiresAt: Math.max(record.expiresAt, until) },
    reply: 'renewed'
  }
}

/**
 * Overwrites a record.
 * @param {Record | undefined} record
 * @param {string} generation
 * @param {{ version: string, body: Body, lifetime: Lifetime, notAfter: number }} request
 * @param {number} now
 * @returns {{ record: Record | undefined, reply: 'stored' | 'late', message?: Message }}
 */
function put(record, generation, { version, body, lifetime, notAfter }, now) {
  if (now > notAfter) return { record, reply: 'late' }
  return {
    record: valueRecord(generation, version, body, lifetime, now),
    reply: 'stored',
    message: { kind: 'dropped', version }
  }
}

/**
 * Removes a record. The reply states whether it held a value.
 * @param {Record | undefined} record
 * @param {string} generation
 * @param {undefined} _request
 * @param {number} now
 * @returns {{ record: undefined, reply: boolean, message: Message }}
 */
function drop(record, generation, _request, now) {
  const had = exists(record, generation, now) && record.kind === 'value'
  return { record: undefined, reply: had, message: { kind: 'dropped', version: '' } }
}

/**
 * Removes a value that a reader cannot decode, unless the value has been replaced.
 * @param {Record | undefined} record
 * @param {string} _generation
 * @param {{ version: string }} request
 * @returns {{ record: Record | undefined, reply: boolean }}
 */
function dropVersion(record, _generation, { version }) {
  const isIt = record?.kind === 'value' && record.version === version
  return { record: isIt ? undefined : record, reply: isIt }
}

module.exports = { SOURCE_LENGTH, drop, dropVersion, exists, finish, put, renew, store, take }
