//! Commands of a phone's shell.

use std::{
    io::{self, Read, Write},
    os::unix::process::ExitStatusExt,
    process::{Child, ChildStdin, ExitStatus, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use super::{daemon::Daemon, stream::Stream};

/// Kinds of packets within the second version of the shell service.
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const EXIT: u8 = 3;
const CLOSE_STDIN: u8 = 4;
const PART_BYTES: usize = 32 << 10;
const STEP: Duration = Duration::from_millis(2);

/// The first version: both outputs as one, and no exit status.
pub(super) fn plain(daemon: &Daemon, stream: &Stream, line: &str) -> io::Result<()> {
    let (output, both) = io::pipe()?;
    let mut command = daemon.system.command(line);
    let started = command.stdin(Stdio::piped()).stdout(both.try_clone()?).stderr(both).spawn();
    // It holds the writing end, too.
    drop(command);
    let running = Running::of(started?);
    hang_if_told(daemon, line);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut stdin = running.stdin();
            // A command need not read what it is given.
            let _ = io::copy(&mut stream.incoming(), &mut Input(&mut stdin));
            running.hang_up();
        });
        let ended = pump(daemon, stream, output, line, None);
        running.wait()?;
        stream.settle();
        stream.close();
        ended
    })
}

/// The second version: packets for each output, and the exit status as the last.
pub(super) fn with_packets(daemon: &Daemon, stream: &Stream, line: &str) -> io::Result<()> {
    let mut command = daemon.system.command(line);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let running = Running::of(child);
    hang_if_told(daemon, line);
    thread::scope(|scope| {
        scope.spawn(|| {
            // It ends when the host hangs up.
            let _ = feed(stream, &running);
            running.hang_up();
        });
        let pumps = [
            stdout.map(|output| scope.spawn(|| pump(daemon, stream, output, line, Some(STDOUT)))),
            stderr.map(|output| scope.spawn(|| pump(daemon, stream, output, line, Some(STDERR)))),
        ];
        for pump in pumps.into_iter().flatten() {
            // A host that hung up sees nothing more of it.
            let _ = pump.join();
        }
        let status = running.wait()?;
        let is_lost = daemon.faults.now().lost_exit.is_some_and(|text| line.contains(&text));
        let written = if is_lost { Ok(()) } else { stream.write(&packet(EXIT, &[code(status)])) };
        stream.settle();
        // The feeding thread waits for the host, which has nothing more to say.
        stream.close();
        written
    })
}

fn hang_if_told(daemon: &Daemon, line: &str) {
    while daemon.faults.now().hangs.is_some_and(|text| line.contains(&text)) {
        thread::sleep(STEP * 10);
    }
}

fn packet(kind: u8, bytes: &[u8]) -> Vec<u8> {
    [&[kind], &(bytes.len() as u32).to_le_bytes()[..], bytes].concat()
}

/// As a phone's daemon says it: a signal is one of 128 and more.
fn code(status: ExitStatus) -> u8 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(127)) as u8
}

/// Passes on what a command writes, in packets of that kind if there is one.
fn pump(daemon: &Daemon, stream: &Stream, mut output: impl Read, line: &str, kind: Option<u8>) -> io::Result<()> {
    let mut buffer = vec![0; PART_BYTES];
    loop {
        let length = output.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        let framed = |bytes: &[u8]| kind.map_or_else(|| bytes.to_vec(), |kind| packet(kind, bytes));
        if daemon.faults.dies(line) {
            let half = framed(&buffer[..length / 2]);
            stream.write(&half)?;
            stream.settle();
            stream.sender.hang_up();
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        stream.write(&framed(&buffer[..length]))?;
    }
}

/// Passes on what the host writes, until it hangs up.
fn feed(stream: &Stream, running: &Running) -> io::Result<()> {
    let mut incoming = stream.incoming();
    let mut stdin = running.stdin();
    loop {
        let mut head = [0; 5];
        incoming.read_exact(&mut head)?;
        let mut bytes = vec![0; u32::from_le_bytes([head[1], head[2], head[3], head[4]]) as usize];
        incoming.read_exact(&mut bytes)?;
        match head[0] {
            STDIN => drop(Input(&mut stdin).write_all(&bytes)),
            CLOSE_STDIN => stdin = None,
            _ => {}
        }
    }
}

/// The input of a command, which may be closed: then it takes everything.
struct Input<'a>(&'a mut Option<ChildStdin>);

impl Write for Input<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.as_mut().is_some_and(|input| input.write_all(bytes).is_err()) {
            *self.0 = None;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A command that was started.
struct Running {
    stdin: Mutex<Option<ChildStdin>>,
    child: Mutex<Child>,
}

impl Running {
    fn of(mut child: Child) -> Self {
        Self { stdin: Mutex::new(child.stdin.take()), child: Mutex::new(child) }
    }

    fn stdin(&self) -> Option<ChildStdin> {
        self.stdin.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// What a phone's daemon does when the host goes away: a signal to the shell, and to it alone.
    fn hang_up(&self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        // While the lock is held, nobody waits for it, so its number is its own.
        if matches!(child.try_wait(), Ok(None)) {
            let _ = kill_process(Pid::from_child(&child), Signal::HUP);
        }
    }

    fn wait(&self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait()? {
                return Ok(status);
            }
            thread::sleep(STEP);
        }
    }
}
