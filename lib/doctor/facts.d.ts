// Facts of a run: written by the probes, completed by the command line, read by the judges. All facts are plain JSON. Times of events are
// in milliseconds since the epoch, durations in milliseconds, sizes in bytes.

import type { Block, Durations, Frame } from '../../watch'

/**
 * A frame with its position in the text that V8 ran. `loop`: the loop of its function in which the call is awaited. `functions`: those
 * around the call, innermost first, each by its position in that text. `isAwaited`: its function awaits the call.
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
  /** Number of begun requests plus number of ended ones, at each sample and at the end; absent if a stack is missing. */
  progress?: number[]
}

/** Figures of a process, recorded four times a second. Counters start at the previous row. */
export interface Row {
  at: number
  heapUsed: number
  external: number
  rss: number
  requests: number
  /** Time in garbage collections. */
  gc: number
  longestGc: number
  /** Share of the time in which the loop was busy, 0 to 1. */
  utilization: number
  /** Time in which the thread was starved, since the watch began: unlike the counters, not since the previous row. */
  starved: number
  /** Active timers that keep the loop alive. */
  timers: number
}

/** Racing loads into Maps, by the line that sets the keys, or calls the method of a cache that does, from probe/races.js. */
export interface RaceFact extends Site {
  /** Excerpt of the key with the most misses. */
  key: string
  /** Sets that replaced the value of a present key by another one, after at least two callers had missed the key. */
  overwrites: number
  /** Absences of a key that were followed by an overwrite, and distinct keys (at most 64 are counted). */
  absences: number
  keys: number
  /** Maximum number of misses of a key before its first set. */
  misses: number
  /** Sets of loads that began before the key was deleted and ended afterwards. */
  stale: number
  /** Function that missed: the one that sets (`same`), one with a common caller or file (`near`), or another. */
  kinship?: 'same' | 'near' | 'other' | 'unknown'
  /** Lines of the program that missed a key: at most four innermost frames. */
  missers?: FactFrame[]
  /** Overwrites to expect if each caller that missed sets the key, and number of overwrites beyond those. */
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
  /** Mean size of the answers, of sockets only. */
  meanAnswer?: number
  calls: number
  /** Calls that were identical to one in flight. */
  duplicates: number
  /** Maximum number of identical calls in flight. */
  concurrent: number
  meanDuration: number
  /** Number of calls by hash, for comparison between processes: at most 256 hashes, most frequent first. */
  hashes: Record<string, number>
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
  /** Emitters with more than ten listeners of this site and type. */
  emitters: number
  /** Number of open sockets at the end of the measurement: each may have a listener. */
  sockets?: number
}

/** Active intervals, by the line that sets them. */
export interface IntervalFact extends Site {
  counts: { at: number; count: number }[]
  /** Number of open sockets at the end of the measurement. */
  sockets?: number
}

/** Writes after `write()` returned `false`, from probe/writes.js. */
export interface WriteFact extends Site {
  /** Class of the stream. */
  stream: string
  kind: 'stream' | 'response'
  /** Maximum number of writes in a row while the stream needed a drain. */
  ignored: number
  /** Largest buffer in such a series, and high water mark of its stream. */
  buffered: number
  highWaterMark: number
  streams: number
  /** Unit of `buffered` and `highWaterMark`. Default: bytes. */
  unit?: 'bytes' | 'objects'
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
  /** Lines that add entries, those with the most live allocations first. */
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
}

/** A function that has run, with its begin and end in the text that V8 ran. */
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
  /** Measurement: from the end of the warm-up. */
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
  /** Sizes soon after major collections, in bytes. */
  majors: { at: number; heapUsed: number; external: number }[]
  heapLimit: number
  /** Processor time of all threads during the measurement. */
  processorTime: number
  /** Time that jobs waited for a thread of libuv's pool. */
  poolWait: { at: number; wait: number }[]
  poolJobs: Record<string, number>
  /** Messages to other processes: number, bytes, and time of serialization, with the line that sends most. */
  ipc: { messages: number; bytes: number; time: number } & Site
  /** Reasons why rules could not be checked, by id of the rule. */
  blind: Record<string, string>
  /** Overhead of the doctor: milliseconds by part. */
  cost: Record<string, number>
  /** End of the process: at the doctor's request, by an exit code or a signal, or unknown. */
  end: { kind: 'finished' | 'exit' | 'lost'; code?: number | null; signal?: string | null }
}

export interface RouteFact {
  method: string
  route: string
  count: number
  errors: number
  durations: Durations
  /** Time of blocks of this route, and time for which its requests waited for blocks of other routes. */
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
  load?: { requests: number; errors: number; connections: number; rate?: number; durations: Durations }
  processes: ProcessFacts[]
}
