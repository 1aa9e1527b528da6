//! The child's side: one thread reads, and another one listens and watches it.

use std::{
    io::{self, ErrorKind, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    panic::{AssertUnwindSafe, catch_unwind, set_hook},
    process::ExitCode,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    thread,
    time::Duration,
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::limits::{Allowance, STACK_BYTES, give_up_rights, processor_time};
use crate::text::{
    TextEnd,
    message::{
        Answer, Failure, Files, MOST_ANSWER_BYTES, MOST_FILE_BYTES, Question, Subject, frame, parse, read_frame,
    },
    reader::Reader,
};

/// How often the reader is checked.
const LOOK: Duration = Duration::from_millis(20);
/// Letters of a panic's message that are passed on.
const MOST_MESSAGE: usize = 300;

/// Work for the reader.
enum Work {
    Open(Subject, Vec<Vec<u8>>),
    Answer(Question),
}

type Reply = Result<Answer, Failure>;

/// Answers questions on standard input, which is a socket, until the other side is gone.
pub fn serve() -> ExitCode {
    let served = io::stdin().as_fd().try_clone_to_owned().and_then(|socket| {
        give_up_rights()?;
        // The answer reports the panic.
        set_hook(Box::new(|_| {}));
        answer_all(&mut UnixStream::from(socket))
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The harness reads it; if it does not, nothing else can be done.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn answer_all(socket: &mut UnixStream) -> io::Result<()> {
    let (work, works) = channel();
    let (replies, reply) = channel();
    thread::Builder::new().name("reader".into()).stack_size(STACK_BYTES).spawn(move || read_all(&works, &replies))?;
    let mut files_bytes = 0;
    let mut opened = false;
    while let Some(message) = read_frame(socket, u64::MAX)? {
        let next = if opened {
            Work::Answer(parse(&message)?)
        } else {
            let subject: Subject = parse(&message)?;
            let files = subject.files.iter().map(|_| {
                let file = read_frame(socket, MOST_FILE_BYTES)?;
                file.ok_or_else(|| io::Error::from(ErrorKind::UnexpectedEof))
            });
            let files: Vec<Vec<u8>> = files.collect::<io::Result<_>>()?;
            files_bytes = files.iter().map(Vec::len).sum();
            Work::Open(subject, files)
        };
        opened = true;
        let allowance = Allowance::new(files_bytes, message.len());
        allowance.set()?;
        let begun = processor_time();
        if work.send(next).is_err() {
            return Ok(());
        }
        let Some(reply) = wait(socket, &reply, begun, allowance) else { return Ok(()) };
        let mut bytes = frame(&reply)?;
        if bytes.len() > MOST_ANSWER_BYTES {
            let limit_mib = (MOST_ANSWER_BYTES >> 20) as u64;
            bytes = frame(&Reply::Err(Failure::Ended(TextEnd::TooLong { limit_mib })))?;
        }
        socket.write_all(&bytes)?;
        if matches!(&reply, Err(Failure::Ended(end)) if end.is_final()) {
            return Ok(());
        }
    }
    Ok(())
}

/// Waits for the reader; `None` when the other side no longer waits for its answer.
fn wait(socket: &UnixStream, replies: &Receiver<Reply>, begun: Duration, allowance: Allowance) -> Option<Reply> {
    loop {
        match replies.recv_timeout(LOOK) {
            Ok(reply) => return Some(reply),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) if is_hung_up(socket) => return None,
            Err(RecvTimeoutError::Timeout) => {}
        }
        if processor_time().saturating_sub(begun) > allowance.time {
            let limit_ms = allowance.time.as_millis() as u64;
            return Some(Err(Failure::Ended(TextEnd::ProcessorTime { limit_ms })));
        }
    }
}

fn is_hung_up(socket: &UnixStream) -> bool {
    let mut sockets = [PollFd::new(socket, PollFlags::RDHUP)];
    let asked = poll(&mut sockets, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    asked.is_ok() && sockets[0].revents().intersects(PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR)
}

/// The reader's thread.
fn read_all(works: &Receiver<Work>, replies: &Sender<Reply>) {
    let mut reader = None;
    for work in works {
        let reply = caught(|| match work {
            Work::Open(subject, files) => {
                let (opened, answer) = Reader::open(subject.kind, Files::new(&subject.files, &files))?;
                reader = Some(opened);
                Ok(answer)
            }
            Work::Answer(question) => match &reader {
                Some(reader) => reader.answer(&question),
                None => Err(Failure::Ended(TextEnd::Broken { seen: "opened nothing".into() })),
            },
        });
        if replies.send(reply).is_err() {
            return;
        }
    }
}

/// Questions continue after a panic: the reader only holds a file's contents, and caches that it may lose.
fn caught(work: impl FnOnce() -> Reply) -> Reply {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        let message = message.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a message");
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(MOST_MESSAGE).collect();
        Err(Failure::Ended(TextEnd::Panicked { message }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_answer() {
        let reply = caught(|| panic!("index {} is\nout of bounds", 7));
        assert_eq!(reply, Err(Failure::Ended(TextEnd::Panicked { message: "index 7 is out of bounds".into() })));
    }
}
