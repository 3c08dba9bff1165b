//! Linux's figures of a thread, from `/proc` and its control groups.

use super::Nanos;
use super::cgroup::Throttling;
use super::usage::{Sources, Usage};
use std::fs::{File, read_link};
use std::os::unix::fs::FileExt;

/// Longest line of the files read here.
const LINE: usize = 256;

/// The open files of a thread.
#[derive(Debug)]
pub struct Thread {
    /// `schedstat`: time on a core, time in a run queue, number of slices.
    schedstat: Option<File>,
    syscall: Option<File>,
    throttling: Throttling,
}

impl Thread {
    /// Opens the files of the calling thread.
    #[must_use]
    pub fn current() -> Self {
        // The link is `PID/task/TID`.
        let open = |name: &str| {
            let thread = read_link("/proc/thread-self").ok()?;
            let file = File::open(std::path::Path::new("/proc").join(thread).join(name)).ok()?;
            // Some sandboxes have the file but refuse to read it.
            line(&file).is_some().then_some(file)
        };
        Thread { schedstat: open("schedstat"), syscall: open("syscall"), throttling: Throttling::open() }
    }

    #[must_use]
    pub fn sources(&self) -> Sources {
        Sources {
            cpu: self.schedstat.is_some(),
            run_queue: self.schedstat.is_some(),
            throttling: self.throttling.is_known(),
            system_call: self.syscall.is_some(),
        }
    }

    #[must_use]
    pub fn usage(&self) -> Usage {
        let throttled = self.throttling.nanos();
        match self.times() {
            Some((cpu, waited)) => Usage { cpu: Some(cpu), waited, throttled },
            None => Usage { cpu: None, waited: 0, throttled },
        }
    }

    /// Returns the time in which the thread was ready to run, without a core.
    #[must_use]
    pub fn waited(&self) -> Nanos {
        self.times().map_or(0, |(_, waited)| waited)
    }

    /// Returns the time on a core and the time in the run queue.
    fn times(&self) -> Option<(Nanos, Nanos)> {
        let text = line(self.schedstat.as_ref()?)?;
        let mut numbers = text.split_ascii_whitespace().map(str::parse::<Nanos>);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    }

    /// Returns the name of the system call in which the thread waits, or `None` if it runs.
    #[must_use]
    pub fn system_call(&self) -> Option<&'static str> {
        let text = line(self.syscall.as_ref()?)?;
        let number = text.split_ascii_whitespace().next()?.parse::<libc::c_long>().ok()?;
        Some(NAMES.iter().find(|(known, _)| *known == number).map_or("other", |(_, name)| *name))
    }
}

fn line(file: &File) -> Option<String> {
    let mut text = [0; LINE];
    let length = file.read_at(&mut text, 0).ok()?;
    String::from_utf8(text[..length].to_vec()).ok()
}

macro_rules! names {
    ($($constant:ident $name:literal)*) => { [$((libc::$constant, $name)),*] };
}

/// System calls in which a thread waits.
static NAMES: &[(libc::c_long, &str)] = &names! {
    SYS_read "read" SYS_write "write" SYS_readv "readv" SYS_writev "writev"
    SYS_pread64 "pread64" SYS_pwrite64 "pwrite64" SYS_preadv "preadv" SYS_pwritev "pwritev"
    SYS_openat "openat" SYS_close "close" SYS_fsync "fsync" SYS_fdatasync "fdatasync" SYS_ftruncate "ftruncate"
    SYS_fallocate "fallocate" SYS_sendfile "sendfile" SYS_copy_file_range "copy_file_range"
    SYS_statx "statx" SYS_fstat "fstat" SYS_newfstatat "newfstatat" SYS_getdents64 "getdents64"
    SYS_unlinkat "unlinkat" SYS_mkdirat "mkdirat" SYS_renameat2 "renameat2" SYS_flock "flock" SYS_fcntl "fcntl"
    SYS_futex "futex" SYS_ppoll "ppoll" SYS_pselect6 "pselect6" SYS_epoll_pwait "epoll_pwait"
    SYS_nanosleep "nanosleep" SYS_clock_nanosleep "clock_nanosleep" SYS_wait4 "wait4" SYS_waitid "waitid"
    SYS_connect "connect" SYS_accept4 "accept4" SYS_sendto "sendto" SYS_recvfrom "recvfrom"
    SYS_sendmsg "sendmsg" SYS_recvmsg "recvmsg" SYS_ioctl "ioctl" SYS_madvise "madvise" SYS_munmap "munmap" SYS_mmap "mmap"
};

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    #[test]
    fn time_on_a_core_grows_while_a_thread_works() {
        let thread = Thread::current();
        assert!(thread.sources().cpu, "Linux with schedstat");
        let before = thread.usage().cpu.expect("known");
        let began = Instant::now();
        while thread.usage().cpu.expect("known") - before < 20_000_000 {
            assert!(began.elapsed() < Duration::from_secs(30), "no progress");
        }
    }

    #[test]
    fn a_waiting_thread_names_its_system_call() {
        let (send, receive) = mpsc::channel();
        let (stop, stopped) = mpsc::channel::<()>();
        let waiting = std::thread::spawn(move || {
            send.send(Thread::current()).expect("the test receives");
            stopped.recv().expect_err("the test drops the sender");
        });
        let thread = receive.recv().expect("the thread sends");
        if thread.sources().system_call {
            let began = Instant::now();
            while thread.system_call() != Some("futex") {
                assert!(began.elapsed() < Duration::from_secs(30), "{:?}", thread.system_call());
                std::thread::yield_now();
            }
        }
        drop(stop);
        waiting.join().expect("the thread ends");
    }
}
