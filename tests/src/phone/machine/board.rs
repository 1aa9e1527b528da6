//! What outlasts a start of the phone.

use std::{
    env, fs,
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    os::fd::OwnedFd,
    process::Command,
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rustix::{
    io::Errno,
    net::{AddressFamily, SocketType, bind, getsockname, socket, sockopt::set_socket_reuseaddr},
    process::{Pid, Signal, WaitOptions, kill_process, wait},
};

use super::{Options, STEP, files, inner, seconds, take_request};

/// So often a port is asked for, one [`STEP`] after the other.
const MOST_TRIES: u32 = 250;

/// A port that is ours.
pub(super) struct Reserved {
    pub port: u16,
    _socket: OwnedFd,
}

/// Takes that port, or any free one for 0, without listening on it.
pub(super) fn reserve(port: u16) -> Result<Reserved> {
    let taken = || -> Result<Reserved> {
        let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
        set_socket_reuseaddr(&socket, true)?;
        bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))?;
        let port = SocketAddr::try_from(getsockname(&socket)?)?.port();
        Ok(Reserved { port, _socket: socket })
    };
    // A phone that was just killed may still be ending.
    let mut tries = 0..MOST_TRIES;
    loop {
        let outcome = taken().with_context(|| format!("cannot have port {port}"));
        if outcome.is_ok() || tries.next().is_none() {
            return outcome;
        }
        thread::sleep(STEP);
    }
}

/// Starts the phone, and again after each request to.
pub(super) fn run(options: &Options) -> Result<()> {
    let request = options.dir.join(files::MACHINE_REQUEST.trim_start_matches('/'));
    let _ = fs::remove_file(&request);
    loop {
        let child = boot(options)?.spawn().context("cannot start unshare")?;
        let init = Pid::from_child(&child);
        let mut off_for = None;
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((ended, _))) if ended == init && off_for.is_none() => bail!("the phone did not start"),
                Err(Errno::INTR) | Ok(Some(_)) => continue,
                // When the last of its processes has ended, the phone is off.
                Err(_) => break,
                Ok(None) => {}
            }
            let asked = take_request(&request);
            if let Some(text) = asked.as_deref().filter(|_| off_for.is_none()) {
                off_for = match text.split_once(' ').unwrap_or((text, "1")) {
                    ("reboot", length) => Some(seconds(length)),
                    ("off", _) => Some(Duration::MAX),
                    _ => None,
                };
                if off_for.is_some() {
                    kill_process(init, Signal::KILL)?;
                }
            }
            thread::sleep(STEP);
        }
        // The request is carried out: whoever waits for that sees the file go.
        let _ = fs::remove_file(&request);
        match off_for {
            Some(Duration::MAX) => {
                while take_request(&request).as_deref() != Some("on") {
                    thread::sleep(STEP);
                }
                let _ = fs::remove_file(&request);
            }
            length => thread::sleep(length.unwrap_or_default()),
        }
    }
}

fn boot(options: &Options) -> Result<Command> {
    let mut command = inner("/usr/bin/unshare");
    command.args(["--mount", "--pid", "--fork", "--kill-child", "--"]);
    command.arg(env::current_exe()?).args(options.arguments("init"));
    Ok(command)
}
