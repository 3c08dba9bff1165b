// Facts of a run: written by the probes, completed by the command line, read by the judges. All facts are plain JSON. Times of events are
// in milliseconds since the epoch, durations in milliseconds, sizes in bytes.

import type { Block, Durations, Frame } from '../../watch'

/**
 * A frame. `loop`: loop of the function that awaits the call. `functions`: positions, in the text that V8 ran, of the functions around the
 * call, innermost first. `isAwaited`: whether the function awaits the call.
 */
export interface FactFrame extends Frame {
  loop?: { kind: string; line: number }
  functions?: readonly string[]
  isAwaited?: boolean
}

/** A stack, innermost frame first, at most 16 frames. */
export interface Site {
  frames: FactFrame[]
}

export interface FactBlock extends Omit<Block, 'samples' | 'thread'> {
  samples: { at: number; capture: 'on-time' | 'late' | 'none'; lateness: number; frames: FactFrame[] }[]
  /** Whether a debugger was attached. */
  isDebugged?: boolean
  /** Number of begun requests plus number of ended requests, at each sample and at the end; absent if a stack is missing. */
  progress?: number[]
}

/**
 * Figures of a process, recorded four times a second. Counters cover the time since the previous row. In a long run, a row stands for
 * several: it has the smallest `heapUsed` and `external`, and the largest `rss` and `longestGc`.
 */
export interface Row {
  at: number
  heapUsed: number
  external: number
  rss: number
  requests: number
  /** Time in garbage collections. Leaves out the time in which the thread had no core, on Linux. */
  gc: number
  longestGc: number
  /** Share of the time in which the loop was busy, 0 to 1. */
  utilization: number
  /** Starved time within blocks. Unlike the counters, since the watch began. */
  starved: number
  /** Active timers that keep the loop alive. */
  timers: number
  /** Immediates pending in the timers phase. Those that I/O callbacks set have run by then, so most were set by other immediates. */
  immediates?: number
}

/** Races for keys of Maps, by the line that sets the keys or calls a cache that does, from probe/races.js. */
export interface RaceFact extends Site {
  /** Excerpt of the key with the most misses. */
  key: string
  /** Number of sets that replaced the value of another caller, after at least two callers had missed the key. */
  overwrites: number
  /** Number of absences of a key that ended with an overwrite, and number of distinct keys, up to 64. */
  absences: number
  keys: number
  /** Maximum number of misses of a key before its first set. */
  misses: number
  /** Number of sets by callers that missed the key before it was deleted. */
  stale: number
  /** Which function missed: the one that sets (`same`), one with a common caller or file (`near`), or another one (`other`). */
  kinship?: 'same' | 'near' | 'other' | 'unknown'
  /** Lines of the program that missed a key: at most four innermost frames. */
  missers?: FactFrame[]
  /** Number of overwrites if each caller that missed the key sets it, and number of overwrites beyond those. */
  expected?: number
  excess?: number
}

/** Similar calls to another service, from probe/downstream.js. */
export interface DownstreamFact extends Site {
  /** `http`, `undici`, `ioredis`, `redis`, `pg`, `mysql2`, `mssql` or `socket`. */
  kind: string
  /** Host and port, or path of the socket. */
  target: string
  /** Operation and excerpt of its arguments, at most 40 characters. */
  call: string
  /** Whether the calls read or write. */
  access?: 'read' | 'write' | 'unknown'
  /** Mean size of the answers in bytes, only of `socket`. */
  meanAnswer?: number
  calls: number
  /** Calls that were identical to one in flight. */
  duplicates: number
  /** Maximum number of identical calls in flight. */
  concurrent: number
  meanDuration: number
  /** Number of calls by hash, in 16 hexadecimal digits. A sample of at most 256 keys: the smallest hashes, as in other processes. */
  hashes: Record<string, number>
  /** Share of all possible hashes that the sample covers: those up to its largest hash. 1 if `hashes` has all keys. */
  sampled?: number
  /** Calls for these keys that began less than half a second after an equal call, which had ended by then. */
  soon?: number
  /** Number of such calls to expect if the calls began at independent times. */
  soonByChance?: number
  /** Duplicates to expect if the calls began at independent times. */
  chance?: number
  /** Maximum number of similar calls that one request made in sequence, and number of requests with at least ten. */
  sequential: number
  sequentialRequests: number
}

/** Growing listeners of one type, by the line that adds them, from probe/listeners.js. */
export interface ListenerFact extends Site {
  kind: 'EventEmitter' | 'EventTarget' | 'AbortSignal'
  type: string
  /** Class of the emitter. */
  emitter: string
  /** Number of listeners over time: at most 400 values at even intervals, and the last one. */
  counts: { at: number; count: number }[]
  /** Number of emitters with more than ten listeners of this type from this line. */
  emitters: number
  /** Maximum number of open sockets: each may have a listener. */
  sockets?: number
}

/** Active intervals, by the line that sets them. */
export interface IntervalFact extends Site {
  counts: { at: number; count: number }[]
  /** Maximum number of open sockets: each may have an interval. */
  sockets?: number
}

/** Writes after `write()` returned `false`, from probe/writes.js. */
export interface WriteFact extends Site {
  /** Class of the stream. */
  stream: string
  kind: 'stream' | 'response'
  /** Maximum number of writes in a row while the stream needed a drain. */
  ignored: number
  /** Largest buffer during such writes, and high water mark of that stream. */
  buffered: number
  highWaterMark: number
  streams: number
  /** Unit of `buffered` and `highWaterMark`. Default: bytes. */
  unit?: 'bytes' | 'objects'
}

/** Jobs of libuv's pool by kind, such as `crypto` or `fs.stat`: their number, and their running time in milliseconds,
 * which is unknown, and 0, for calls of `fs` and `dns`. From probe/pool-jobs.js. */
export type PoolJobs = Record<string, { jobs: number; time: number }>

/** Jobs of libuv's pool by the line that creates them, from probe/pool-callers.js. */
export interface PoolCallFact extends Site {
  kind: 'zlib' | 'fs' | 'dns' | 'crypto' | 'node_api'
  jobs: number
}

/** Started threads and child processes, by the line that starts them, from probe/workers.js. */
export interface StartFact extends Site {
  kind: 'worker' | 'process'
  /** File or command, at most 40 characters. */
  what: string
  starts: number
  /** Starts whose thread or process ended within five seconds. */
  shortLived: number
  /** Maximum number alive together. */
  concurrent: number
  /** Median time from the start until the thread is online or the process has spawned. */
  startTime: number
}

/** A node of the CPU profile. */
export interface ProfileNode {
  id: number
  parent: number
  name: string
  file: string
  line: number
  column: number
  self: number
  /** Only for functions of the program: milliseconds by line of the text that V8 ran, for at most 8 lines, those with the most time. */
  lines?: Record<string, number>
  /** Position that takes most of the time of the function, including that of the native functions that it calls. */
  work?: { file?: string; line: number; column: number }
}

/** A container that grew between two heap snapshots. */
export interface ContainerFact {
  kind: 'Map' | 'Set' | 'Array' | 'Object' | 'other'
  /** Variable or property, and retaining path from a root. */
  name: string
  path: string
  /** Entries at each snapshot. */
  entries: number[]
  bytes: number[]
  /** Declaration, if it was found in the source. */
  declared?: { file: string; line: number }
  /** Lines that add entries, sorted by live allocations. */
  adds?: FactFrame[]
  /** Whether the file of the container removes entries. `bounded`: the file also reads their number. */
  removal?: 'none' | 'some' | 'bounded' | 'unknown'
  /** Used heap at each snapshot. */
  heap?: number[]
}

/** Live allocations by stack, from the sampling heap profiler. */
export interface AllocationFact extends Site {
  /** Live bytes at the beginning and the end of the measurement. */
  before: number
  after: number
  /** Line of the stack that keeps the allocated values, if the source shows one. */
  keeper?: FactFrame
  /** Whether that line adds to an object that limits its own size, such as an `LRUCache`. */
  isLimited?: boolean
}

/** A function that has run, with its start and end in the text that V8 ran. */
export interface RanFact {
  file: string
  from: number
  to: number
}

export interface ProcessFacts {
  pid: number
  parent: number
  /** `threadId`; 0 is the main thread. */
  thread: number
  node: string
  /** Path of the script, without its arguments. */
  script: string
  role: 'primary' | 'cluster worker' | 'process' | 'thread'
  began: number
  /** Beginning and end of the measurement; absent if the process was not measured. */
  measured?: { from: number; to: number }
  /** Requests during the measurement; `errors` have a status of 500 or more. */
  requests: { count: number; errors: number; durations?: Durations; routes: RouteFact[] }
  loop?: { hold: Durations; delay: Durations; utilization: number; starved: number; gc: number; looks: number }
  rows: Row[]
  /** At most 1,000 blocks; `dropped` counts the others. */
  blocks: FactBlock[]
  dropped: number
  races: RaceFact[]
  downstream: DownstreamFact[]
  listeners: ListenerFact[]
  intervals: IntervalFact[]
  writes: WriteFact[]
  starts: StartFact[]
  /** Forks of cluster workers since the start of the program, by line. */
  forks: StartFact[]
  profile?: { interval: number; samples: number; nodes: ProfileNode[] }
  containers: ContainerFact[]
  allocations: AllocationFact[]
  /** At most 20,000 functions of the program, if heap snapshots were taken. */
  ran?: RanFact[]
  /** Sizes shortly after major collections, in bytes. */
  majors: { at: number; heapUsed: number; external: number }[]
  heapLimit: number
  /** Processor time of all threads during the measurement. */
  processorTime: number
  /** Waits of jobs for a thread of libuv's pool. */
  poolWait: { at: number; wait: number }[]
  /** Jobs by kind, recorded while the pool was full. */
  poolJobs: PoolJobs
  /** Jobs by the line that creates them, recorded while the pool was full. */
  poolCalls: PoolCallFact[]
  /** Messages to other processes: number, bytes, and time of serialization, with the line that sends the most. */
  ipc: { messages: number; bytes: number; time: number } & Site
  /** Reasons why rules could not be checked, by id of the rule. */
  blind: Record<string, string>
  /** Overhead of the doctor by part, in milliseconds. */
  cost: Record<string, number>
  /** How the record ended: at the doctor's request (`finished`), with the process (`exit`), or for an unknown reason (`lost`). */
  end: { kind: 'finished' | 'exit' | 'lost'; code?: number | null; signal?: string | null }
}

export interface RouteFact {
  method: string
  route: string
  count: number
  errors: number
  durations: Durations
  /** Time in blocks of this route, and time for which requests of this route waited for blocks of other routes. */
  held: number
  waited: number
}

export interface Facts {
  version: 1
  node: string
  command: string[]
  cores: number
  /** CPU quota of the control group, in cores, if there is one. */
  quota?: number
  memoryLimit?: number
  measured?: { from: number; to: number }
  /** `errors`: errors of connections, timeouts, and responses other than 2xx. `statuses`: number of responses by status. */
  load?: {
    requests: number
    errors: number
    statuses?: Record<string, number>
    connections: number
    rate?: number
    durations: Durations
  }
  processes: ProcessFacts[]
}
