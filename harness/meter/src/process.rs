use std::{
    collections::HashMap,
    fs::{self, File},
    os::unix::fs::FileExt,
    path::PathBuf,
};

use pocketwatt_protocol::{Clock, MonotonicClock, MonotonicNs};

use crate::{BrokenCounter, KernelCounter, MeterError, SystemRoot, surroundings::allowed_in};

/// Longest `/proc/<pid>/status` or `stat` that is read, in bytes; they are about 1.5 KB.
const BUFFER_BYTES: usize = 8192;

/// A process may have been started this long before it is first read.
const STARTING_NS: u64 = 10_000_000_000;

/// One process, read from outside: `/proc/<pid>` as in proc_pid_status(5), proc_pid_stat(5) and the kernel's
/// Documentation/scheduler/sched-stats.rst.
#[derive(Debug)]
pub struct ProcessMeter {
    status: File,
    stat: File,
    tasks: PathBuf,
    /// Last run-queue wait of each thread; threads that have ended keep theirs.
    waits: HashMap<u32, ThreadWait>,
    buffer: Vec<u8>,
    is_stopped: bool,
    clock_ticks_per_second: u64,
    opened: MonotonicNs,
}

#[derive(Debug)]
struct ThreadWait {
    waited_ns: u64,
    schedstat: Option<File>,
}

/// Resident memory of a process, in bytes. Values that the kernel does not report are absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessMemory {
    /// `RssAnon`.
    pub anonymous_bytes: Option<u64>,
    /// `RssFile`.
    pub file_bytes: Option<u64>,
    /// `RssShmem`.
    pub shared_bytes: Option<u64>,
    /// `HugetlbPages`: pages of hugetlbfs, which are in none of the others.
    pub huge_bytes: Option<u64>,
    /// `VmHWM`: the largest resident memory so far.
    pub peak_bytes: Option<u64>,
}

impl ProcessMeter {
    /// Opens the files of a living process; they are kept open, so that a reading is a few system calls.
    ///
    /// # Errors
    /// When the process does not exist, or may not be inspected.
    pub fn open(root: &SystemRoot, pid: u32) -> Result<Self, MeterError> {
        let folder = root.join(format!("proc/{pid}"));
        let open = |name: &str| {
            let path = folder.join(name);
            File::open(&path).map_err(|source| MeterError::Io { path, source })
        };
        Ok(Self {
            status: open("status")?,
            stat: open("stat")?,
            tasks: folder.join("task"),
            waits: HashMap::new(),
            buffer: vec![0; BUFFER_BYTES],
            is_stopped: false,
            clock_ticks_per_second: rustix::param::clock_ticks_per_second(),
            opened: MonotonicClock.now(),
        })
    }

    /// Resident memory now; `None` once the process is gone.
    pub fn memory(&mut self) -> Option<ProcessMemory> {
        let text = read(&self.status, &mut self.buffer)?;
        let mut memory = ProcessMemory::default();
        for line in text.lines() {
            let Some((key, value)) = line.split_once(':') else { continue };
            let field = match key {
                "State" => {
                    // Stopped by a signal, or by a debugger.
                    self.is_stopped = value.trim_start().starts_with(['T', 't']);
                    continue;
                }
                "RssAnon" => &mut memory.anonymous_bytes,
                "RssFile" => &mut memory.file_bytes,
                "RssShmem" => &mut memory.shared_bytes,
                "HugetlbPages" => &mut memory.huge_bytes,
                "VmHWM" => &mut memory.peak_bytes,
                _ => continue,
            };
            *field = kibibytes(value);
        }
        // A zombie still has a status, but it lists no memory.
        (memory != ProcessMemory::default()).then_some(memory)
    }

    /// Whether it was stopped when its memory was last read.
    pub fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    /// The cores on which it may run, as in `0-3,6`; `None` once it is gone.
    pub fn allowed(&mut self) -> Option<String> {
        allowed_in(read(&self.status, &mut self.buffer)?).map(str::to_owned)
    }

    /// The cores on which its threads ran last, in order; empty once it is gone.
    pub fn last_ran_on(&mut self) -> Vec<u32> {
        let tasks = fs::read_dir(&self.tasks).into_iter().flatten().flatten();
        let stats = tasks.filter_map(|task| fs::read_to_string(task.path().join("stat")).ok());
        let mut cores: Vec<u32> = stats.filter_map(|stat| last_core(&stat)).collect();
        cores.sort_unstable();
        cores.dedup();
        cores
    }

    /// Processor time of all its threads so far, in nanoseconds, with the resolution of a clock tick (10 ms).
    pub fn processor_ns(&mut self) -> Option<u64> {
        let text = read(&self.stat, &mut self.buffer)?;
        // The second field is the program's name in parentheses, which may itself contain spaces and parentheses.
        let (_, fields) = text.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace();
        let user: u64 = fields.nth(11)?.parse().ok()?;
        let system: u64 = fields.next()?.parse().ok()?;
        let ticks = user.checked_add(system)?;
        ticks.checked_mul(1_000_000_000_u64.checked_div(self.clock_ticks_per_second)?)
    }

    /// Reads how long each thread has waited for a processor so far.
    pub fn read_run_queue(&mut self) {
        let Ok(tasks) = fs::read_dir(&self.tasks) else { return };
        for task in tasks.flatten() {
            let Some(id) = task.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let wait = self.waits.entry(id).or_insert_with(|| ThreadWait {
                waited_ns: 0,
                schedstat: File::open(task.path().join("schedstat")).ok(),
            });
            let Some(waited) = wait.schedstat.as_ref().and_then(|file| run_queue_wait(file, &mut self.buffer)) else {
                continue;
            };
            wait.waited_ns = wait.waited_ns.max(waited);
        }
    }

    /// Run-queue wait of all threads that were ever seen, including those that have ended; `None` where the kernel
    /// keeps no such statistics.
    ///
    /// # Errors
    /// When a thread waited for longer than the process has been read.
    pub fn run_queue_wait(&self) -> Result<Option<u64>, BrokenCounter> {
        let told = self.waits.values().any(|wait| wait.schedstat.is_some());
        let most = MonotonicClock.now().since(self.opened).saturating_add(STARTING_NS);
        if let Some(wait) = self.waits.values().find(|wait| wait.waited_ns > most) {
            let seen = format!("a thread waited for {} ns within {most} ns", wait.waited_ns);
            return Err(BrokenCounter { counter: KernelCounter::RunQueueWait, seen });
        }
        let sum = self.waits.values().try_fold(0_u64, |sum, wait| sum.checked_add(wait.waited_ns));
        Ok(sum.filter(|_| told))
    }
}

/// The 39th field of proc_pid_stat(5).
fn last_core(stat: &str) -> Option<u32> {
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(36)?.parse().ok()
}

/// `<time on the processor> <time waiting for one> <timeslices>`, in nanoseconds.
fn run_queue_wait(file: &File, buffer: &mut [u8]) -> Option<u64> {
    read(file, buffer)?.split_ascii_whitespace().nth(1)?.parse().ok()
}

fn read<'a>(file: &File, buffer: &'a mut [u8]) -> Option<&'a str> {
    let length = file.read_at(buffer, 0).ok()?;
    std::str::from_utf8(&buffer[..length]).ok()
}

/// `   12345 kB`, which are kibibytes.
fn kibibytes(value: &str) -> Option<u64> {
    value.trim().strip_suffix("kB")?.trim_end().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Name:\tx\nVmHWM:\t  5000 kB\nVmRSS:\t  4000 kB\nRssAnon:\t  3000 kB\nRssFile:\t   900 kB\nRssShmem:\t   100 kB\n";
    const STAT: &str = "7 (a) (b c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 3 0 100 0 0";

    struct Tree(tempfile::TempDir);

    impl Tree {
        fn new() -> Self {
            let tree = Self(tempfile::tempdir().unwrap());
            tree.put("proc/7/status", STATUS);
            tree.put("proc/7/stat", STAT);
            tree.put("proc/7/task/7/schedstat", "900 100 3\n");
            tree.put("proc/7/task/8/schedstat", "900 40 3\n");
            tree
        }

        fn put(&self, path: &str, text: &str) {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }

        fn meter(&self) -> ProcessMeter {
            ProcessMeter::open(&SystemRoot::at(self.0.path()), 7).unwrap()
        }
    }

    #[test]
    fn memory_is_reported_in_bytes() {
        let memory = Tree::new().meter().memory().unwrap();
        assert_eq!(memory.peak_bytes, Some(5000 * 1024));
        assert_eq!(memory.anonymous_bytes, Some(3000 * 1024));
        assert_eq!((memory.file_bytes, memory.shared_bytes), (Some(900 * 1024), Some(100 * 1024)));
    }

    #[test]
    fn pages_of_hugetlbfs_are_counted_separately() {
        let tree = Tree::new();
        assert_eq!(tree.meter().memory().unwrap().huge_bytes, None, "a kernel without them");
        tree.put("proc/7/status", &format!("{STATUS}HugetlbPages:\t  6144 kB\n"));
        let memory = tree.meter().memory().unwrap();
        assert_eq!((memory.huge_bytes, memory.peak_bytes), (Some(6 << 20), Some(5000 * 1024)));
    }

    #[test]
    fn what_the_kernel_does_not_tell_is_absent_and_not_zero() {
        let tree = Tree::new();
        tree.put("proc/7/status", "VmHWM:\t 5000 kB\nRssAnon:\t many kB\n");
        let memory = tree.meter().memory().unwrap();
        assert_eq!((memory.peak_bytes, memory.anonymous_bytes), (Some(5000 * 1024), None));
        for zombie in ["", "Name:\tx\nState:\tZ (zombie)\n", "\u{0}"] {
            tree.put("proc/7/status", zombie);
            assert_eq!(tree.meter().memory(), None, "{zombie:?}");
        }
    }

    #[test]
    fn a_program_name_with_parentheses_does_not_move_the_fields() {
        let tree = Tree::new();
        let nanoseconds = 300 * (1_000_000_000 / rustix::param::clock_ticks_per_second());
        assert_eq!(tree.meter().processor_ns(), Some(nanoseconds));
        for damaged in ["", "7", "7 (x", "7 (x) S 1 2", "7 (x) S 1 7 7 0 -1 1 1 0 0 0 a b 0"] {
            tree.put("proc/7/stat", damaged);
            assert_eq!(tree.meter().processor_ns(), None, "{damaged:?}");
        }
    }

    #[test]
    fn a_thread_that_ends_keeps_what_it_waited() {
        let tree = Tree::new();
        let mut meter = tree.meter();
        assert_eq!(meter.run_queue_wait(), Ok(None));
        meter.read_run_queue();
        assert_eq!(meter.run_queue_wait(), Ok(Some(140)));
        fs::remove_dir_all(tree.0.path().join("proc/7/task/8")).unwrap();
        tree.put("proc/7/task/7/schedstat", "900 250 3\n");
        tree.put("proc/7/task/9/schedstat", "0 5 1\n");
        meter.read_run_queue();
        assert_eq!(meter.run_queue_wait(), Ok(Some(250 + 40 + 5)));
        fs::remove_dir_all(tree.0.path().join("proc")).unwrap();
        meter.read_run_queue();
        assert_eq!(meter.run_queue_wait(), Ok(Some(295)));
        tree.put("proc/7/task/11/schedstat", "0 18446744073709551615 1\n");
        meter.read_run_queue();
        assert_eq!(meter.run_queue_wait().unwrap_err().counter, KernelCounter::RunQueueWait);
    }

    #[test]
    fn kernels_without_scheduler_statistics_say_nothing() {
        let tree = Tree::new();
        fs::remove_file(tree.0.path().join("proc/7/task/7/schedstat")).unwrap();
        fs::remove_file(tree.0.path().join("proc/7/task/8/schedstat")).unwrap();
        let mut meter = tree.meter();
        meter.read_run_queue();
        assert_eq!(meter.run_queue_wait(), Ok(None));
    }

    #[test]
    fn where_its_threads_ran_and_whether_it_is_stopped_is_read() {
        let tree = Tree::new();
        let stat = |core: u32| format!("{STAT} {} 17 {core} 0 0", "0 ".repeat(13).trim_end());
        tree.put("proc/7/task/7/stat", &stat(5));
        tree.put("proc/7/task/8/stat", &stat(2));
        tree.put("proc/7/task/9/stat", STAT);
        let mut meter = tree.meter();
        assert_eq!(meter.last_ran_on(), [2, 5]);
        assert_eq!(meter.allowed(), None);
        tree.put("proc/7/status", &format!("State:\tT (stopped)\n{STATUS}Cpus_allowed_list:\t2-5\n"));
        assert!(!meter.is_stopped(), "not read yet");
        meter.memory();
        assert_eq!((meter.is_stopped(), meter.allowed().as_deref()), (true, Some("2-5")));
    }

    #[test]
    fn a_process_that_is_not_there_is_an_error() {
        let error = ProcessMeter::open(&SystemRoot::at(Tree::new().0.path()), 8).unwrap_err();
        assert!(error.to_string().ends_with("proc/8/status"), "{error}");
    }
}
