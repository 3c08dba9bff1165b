// Measurements of a run: written by the probes, completed by the command line, read by the judge. Everything is plain JSON. Times of
// events are milliseconds since the epoch; durations are milliseconds; memory is bytes.

import type { Block, Durations, Frame } from '../../watch'

/** A frame whose position is that of the text that V8 ran. `loop`: the call is awaited in a loop of its function. */
export interface FactFrame extends Frame {
  loop?: { kind: string; line: number }
}

/** A position with the stack that led to it, innermost frame first, at most 16 frames. */
export interface Site {
  frames: FactFrame[]
}

export interface FactBlock extends Omit<Block, 'samples' | 'thread'> {
  samples: { at: number; capture: 'on-time' | 'late' | 'none'; lateness: number; frames: FactFrame[] }[]
  /** Whether a debugger was attached. */
  isDebugged?: boolean
  /** Requests that had begun plus those that had ended, at each sample and at the end; absent if a stack is missing. */
  progress?: number[]
}

/** Figures of a process, four times a second. Counters are those since the last row. */
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
  /** Time in which the thread was ready to run and got no core, whole process lifetime of the watch. */
  starved: number
  /** Active timers that keep the loop alive. */
  timers: number
}

/** Loads by key of one Map, from probe/races.js. */
export interface RaceFact extends Site {
  /** Name of the map if it is known. */
  key: string
  /** Times that a key was set to another value although the map had it, after at least two misses in its absence. */
  overwrites: number
  /** Absences of a key in which such an overwrite happened, and distinct keys (at most 64 are counted). */
  absences: number
  keys: number
  /** Most misses of a key before its first set. */
  misses: number
  /** Sets that began before the key was deleted and arrived after it. */
  stale: number
  /** Whether the function that sets has missed too: the same one, one near it in the file, or another. */
  kinship?: 'same' | 'near' | 'other' | 'unknown'
  /** Overwrites that would happen if each caller that missed sets the key, and sets beyond those. */
  expected?: number
  excess?: number
}

/** Identical calls of another service in flight together, from probe/downstream.js. */
export interface DownstreamFact extends Site {
  /** `http`, `undici`, `ioredis`, `redis`, `pg`, `mysql2`, `mssql`, `lru-cache`, or `socket`. */
  kind: string
  /** Host and port, or path of the socket. */
  target: string
  /** Operation and excerpt of its arguments: at most 40 characters. */
  call: string
  calls: number
  /** Calls that were identical to one in flight. */
  duplicates: number
  /** Most identical calls in flight together. */
  concurrent: number
  meanDuration: number
  /** Hashes of calls (16 characters) for comparison between processes: at most 256, most frequent first. */
  hashes: Record<string, number>
  /** Most calls of this template that one request made one after another, and requests with at least ten. */
  /** Duplicates that calls at independent times would have. */
  chance?: number
  sequential: number
  sequentialRequests: number
}

/** Listeners of one type that grow, from probe/listeners.js. */
export interface ListenerFact extends Site {
  kind: 'EventEmitter' | 'EventTarget' | 'AbortSignal'
  type: string
  /** Class of the emitter. */
  emitter: string
  /** Number when the measurement began, then four times a second at most 400 values, and the last one. */
  counts: { at: number; count: number }[]
  /** Emitters of this site and type that exceeded ten listeners. */
  emitters: number
  /** Open sockets at the end of the measurement: each may have a listener. */
  sockets?: number
}

/** Active intervals by the line that sets them. */
export interface IntervalFact extends Site {
  counts: { at: number; count: number }[]
  /** Open sockets at the end of the measurement. */
  sockets?: number
}

/** Writes after `false`, from probe/writes.js. */
export interface WriteFact extends Site {
  /** Class of the stream. */
  stream: string
  kind: 'stream' | 'response'
  /** Longest series of writes although the stream needed a drain. */
  ignored: number
  /** Largest buffer in these series, and the mark of its stream. */
  buffered: number
  highWaterMark: number
  streams: number
  /** Unit of the buffer and its mark. Default: bytes. */
  unit?: 'bytes' | 'objects'
}

/** Started threads and child processes by the line that starts them, from probe/workers.js. */
export interface StartFact extends Site {
  kind: 'worker' | 'process'
  /** File or command, at most 40 characters. */
  what: string
  starts: number
  /** Of these, those that ended within five seconds. */
  shortLived: number
  /** Most of them together. */
  concurrent: number
  /** Median time from the start until the thread is online or the process spawned. */
  startTime: number
}

/** A node of the CPU profile, flattened: times are milliseconds. */
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
  /** Variable or property, and the path from a root. */
  name: string
  path: string
  /** Entries at each snapshot. */
  entries: number[]
  bytes: number[]
  /** Where it was declared, if its function is known. */
  declared?: { file: string; line: number }
  /** Lines that add to it, those with the most live allocations first. */
  adds?: FactFrame[]
  /** Whether its file removes entries; `bounded`: it also compares their number. */
  removal?: 'none' | 'some' | 'bounded' | 'unknown'
  /** Used heap at each snapshot. */
  heap?: number[]
}

/** Live allocations by line, of the sampling heap profiler. */
export interface AllocationFact extends Site {
  /** Live bytes when the measurement began and at its end. */
  before: number
  after: number
}

export interface ProcessFacts {
  pid: number
  parent: number
  /** `threadId`; 0 is the main thread. */
  thread: number
  node: string
  /** Path of the program, without its arguments. */
  script: string
  role: 'primary' | 'cluster worker' | 'process' | 'thread'
  began: number
  /** The measurement: from the end of the warm-up. */
  measured?: { from: number; to: number }
  /** Requests during the measurement; `errors` have a status of 500 or more. */
  requests: { count: number; errors: number; durations?: Durations; routes: RouteFact[] }
  loop?: { hold: Durations; delay: Durations; utilization: number; starved: number; gc: number; looks: number }
  rows: Row[]
  /** At most 1,000; `dropped` counts those beyond. */
  blocks: FactBlock[]
  dropped: number
  races: RaceFact[]
  downstream: DownstreamFact[]
  listeners: ListenerFact[]
  intervals: IntervalFact[]
  writes: WriteFact[]
  starts: StartFact[]
  /** Lines that fork cluster workers, from the start of the program on. */
  forks: StartFact[]
  profile?: { interval: number; samples: number; nodes: ProfileNode[] }
  containers: ContainerFact[]
  allocations: AllocationFact[]
  /** Heap used after major collections. */
  majors: { at: number; heapUsed: number }[]
  heapLimit: number
  /** Time that jobs waited for a thread of libuv's pool. */
  poolWait: { at: number; wait: number }[]
  poolJobs: Record<string, number>
  /** Messages to other processes: count, bytes, and time of serialization. */
  ipc: { messages: number; bytes: number; time: number }
  /** Rules that could not look, by their id, and why. */
  blind: Record<string, string>
  /** Cost of the observation: milliseconds by part. */
  cost: Record<string, number>
  /** How it ended: by the doctor's request, its exit code, a signal, or unknown. */
  end: { kind: 'finished' | 'exit' | 'lost'; code?: number | null; signal?: string | null }
}

export interface RouteFact {
  method: string
  route: string
  count: number
  errors: number
  durations: Durations
  /** Time of blocks that belong to this route, and time that its requests waited for blocks of others. */
  held: number
  waited: number
}

export interface Facts {
  version: 1
  node: string
  command: string[]
  cores: number
  /** Cores of the container's quota, if there is one. */
  quota?: number
  memoryLimit?: number
  measured?: { from: number; to: number }
  load?: { requests: number; errors: number; connections: number; rate?: number; durations: Durations }
  processes: ProcessFacts[]
  /** Share of the processor time of the quota that the program's own processes used, 0 to 1. */
  ownShare?: number
}
