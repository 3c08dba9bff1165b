//! The processor quota of the control groups of this process, versions 1 and 2.

use super::Nanos;
use std::fs::{File, read_to_string};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// Bytes of a `cpu.stat` that are read.
const STAT: usize = 1024;
/// Most groups, from that of the process upward.
const GROUPS: usize = 8;

/// The `cpu.stat` files of the control groups that can have a quota.
#[derive(Debug, Default)]
pub struct Throttling {
    files: Vec<File>,
}

impl Throttling {
    #[must_use]
    pub fn open() -> Self {
        let groups = read_to_string("/proc/self/cgroup").unwrap_or_default();
        let files = paths(&groups).filter_map(|path| File::open(path).ok());
        Throttling { files: files.filter(|file| throttled(file).is_some()).take(GROUPS).collect() }
    }

    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.files.is_empty()
    }

    /// Returns the time in which a quota was used up, since the groups were made.
    #[must_use]
    pub fn nanos(&self) -> Nanos {
        self.files.iter().filter_map(throttled).sum()
    }
}

/// Returns the paths of `cpu.stat` in the groups listed in `/proc/self/cgroup`, innermost first.
fn paths(groups: &str) -> impl Iterator<Item = PathBuf> {
    let controlled = groups.lines().filter_map(|line| {
        let mut fields = line.splitn(3, ':');
        let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
        let root = match controllers {
            "" => "/sys/fs/cgroup",
            _ if controllers.split(',').any(|it| it == "cpu") => "/sys/fs/cgroup/cpu",
            _ => return None,
        };
        Some((PathBuf::from(root), path.trim_start_matches('/').to_owned()))
    });
    let in_group = |(root, path): (PathBuf, String)| {
        let groups: Vec<_> = Path::new(&path).ancestors().map(|group| root.join(group).join("cpu.stat")).collect();
        groups
    };
    controlled.flat_map(in_group).collect::<Vec<_>>().into_iter()
}

fn throttled(file: &File) -> Option<Nanos> {
    let mut text = [0; STAT];
    let length = file.read_at(&mut text, 0).ok()?;
    parse(std::str::from_utf8(&text[..length]).ok()?)
}

/// Version 1 counts nanoseconds, version 2 microseconds.
fn parse(stat: &str) -> Option<Nanos> {
    stat.lines().find_map(|line| match line.split_once(' ')? {
        ("throttled_time", nanos) => nanos.parse().ok(),
        ("throttled_usec", micros) => micros.parse::<u64>().ok().map(|micros| micros.saturating_mul(1000)),
        _ => None,
    })
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;

    #[test]
    fn both_versions_are_read() {
        assert_eq!(parse("nr_periods 5\nnr_throttled 2\nthrottled_time 7000\n"), Some(7000));
        assert_eq!(parse("usage_usec 1\nthrottled_usec 7\n"), Some(7000));
        assert_eq!(parse("usage_usec 1\nuser_usec 7\n"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn the_groups_above_count_too() {
        let texts = |groups| paths(groups).map(|path| path.display().to_string()).collect::<Vec<_>>();
        assert_eq!(
            texts("0::/a/b\n"),
            ["/sys/fs/cgroup/a/b/cpu.stat", "/sys/fs/cgroup/a/cpu.stat", "/sys/fs/cgroup/cpu.stat"]
        );
        assert_eq!(texts("0::/\n"), ["/sys/fs/cgroup/cpu.stat"]);
        let version_1 = "5:memory:/x\n4:cpu,cpuacct:/docker/1\nnot a group\n";
        assert_eq!(
            texts(version_1),
            [
                "/sys/fs/cgroup/cpu/docker/1/cpu.stat",
                "/sys/fs/cgroup/cpu/docker/cpu.stat",
                "/sys/fs/cgroup/cpu/cpu.stat"
            ]
        );
    }
}
