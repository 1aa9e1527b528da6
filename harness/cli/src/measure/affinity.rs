//! On which cores the threads and processes run that a thread starts.

use std::io;

use pocketwatt_meter::{CoreList, LentAffinity};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// What this thread starts while this value lives runs on certain cores: children inherit that before their first instruction, and so
/// do all of their threads, whatever program they are. The thread itself is put back afterwards.
#[derive(Debug)]
pub struct OnCores {
    before: CpuSet,
    _lent: LentAffinity,
}

impl OnCores {
    /// Moves this thread there.
    ///
    /// # Errors
    /// When the system refuses it: none of the cores may be used.
    pub fn enter(cores: &CoreList) -> io::Result<Self> {
        let refused =
            |source: io::Error| io::Error::new(source.kind(), format!("it cannot run on the cores {cores}: {source}"));
        let before = sched_getaffinity(None).map_err(|error| refused(error.into()))?;
        let mut wanted = CpuSet::new();
        for core in cores.numbers() {
            if core as usize >= CpuSet::MAX_CPU {
                return Err(refused(io::Error::from(io::ErrorKind::InvalidInput)));
            }
            wanted.set(core as usize);
        }
        let lent = LentAffinity::begin();
        sched_setaffinity(None, &wanted).map_err(|error| refused(error.into()))?;
        Ok(Self { before, _lent: lent })
    }
}

impl Drop for OnCores {
    fn drop(&mut self) {
        // It fails only if all of them were taken away meanwhile, and then the system has already chosen others.
        let _ = sched_setaffinity(None, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_put_back_and_what_it_started_stays() {
        let here = || sched_getaffinity(None).unwrap();
        let before = here();
        let first = (0..CpuSet::MAX_CPU).find(|core| before.is_set(*core)).unwrap();
        let entered = OnCores::enter(&[first as u32].into_iter().collect()).unwrap();
        let (sender, receiver) = std::sync::mpsc::channel::<()>();
        let started = std::thread::spawn(move || {
            let _ = receiver.recv();
            sched_getaffinity(None).unwrap()
        });
        drop(entered);
        drop(sender);
        assert_eq!(here(), before);
        assert_eq!(started.join().unwrap().count(), 1);
        let error = OnCores::enter(&[1000].into_iter().collect()).unwrap_err().to_string();
        assert!(error.starts_with("it cannot run on the cores 1000: "), "{error}");
        assert_eq!(here(), before);
    }
}
