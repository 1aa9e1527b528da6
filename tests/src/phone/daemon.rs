//! A phone's daemon: connections of servers, and the services that they open.

use std::{
    collections::HashMap,
    io,
    net::{Shutdown, TcpListener, TcpStream},
    path::Path,
    process::Command,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use super::{
    faults::{FaultSource, Passage},
    packet::{MOST_BYTES, Packet},
    shell,
    stream::{Sender, Stream},
    sync,
};

/// Without checksums of payloads.
const VERSION: u32 = 0x0100_0001;
const TOKEN: u32 = 1;
const SIGNATURE: u32 = 2;

/// What lies behind the daemon.
pub(super) trait System: Send + Sync {
    /// The phone's shell with that command.
    fn command(&self, line: &str) -> Command;
    /// The folder that stands for the phone's root.
    fn root(&self) -> &Path;
}

/// The daemon.
pub(super) struct Daemon {
    pub system: Box<dyn System>,
    pub model: String,
    /// As in `shell_v2,cmd`.
    pub features: String,
    pub faults: Arc<FaultSource>,
    links: Mutex<Vec<TcpStream>>,
}

impl Daemon {
    pub fn new(system: impl System + 'static, model: &str, features: &str, faults: FaultSource) -> Self {
        Self {
            system: Box::new(system),
            model: model.to_owned(),
            features: features.to_owned(),
            faults: Arc::new(faults),
            links: Mutex::default(),
        }
    }

    /// Serves all connections, until the listener fails.
    pub fn serve(self: &Arc<Self>, listener: &TcpListener) {
        for link in listener.incoming().flatten() {
            let daemon = Arc::clone(self);
            thread::spawn(move || {
                // A connection that breaks is the host's affair.
                let _ = daemon.connection(&link);
                let _ = link.shutdown(Shutdown::Both);
            });
        }
    }

    /// Ends all connections.
    pub fn disconnect(&self) {
        for link in self.links.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // It may have ended already.
            let _ = link.shutdown(Shutdown::Both);
        }
    }

    fn banner(&self) -> String {
        let (product, model) = (self.model.to_lowercase().replace(' ', "_"), self.model.replace(' ', "_"));
        format!(
            "device::ro.product.name={product};ro.product.model={model};ro.product.device={product};features={}",
            self.features
        )
    }

    /// One connection of a server.
    fn connection(self: &Arc<Self>, link: &TcpStream) -> io::Result<()> {
        if self.faults.now().gone {
            return Ok(());
        }
        link.set_nodelay(true)?;
        self.links.lock().unwrap_or_else(PoisonError::into_inner).push(link.try_clone()?);
        let sender = Sender { link: Arc::new(Mutex::new(link.try_clone()?)), faults: Arc::clone(&self.faults) };
        let mut streams = HashMap::new();
        let ended = self.packets(link, &sender, &mut streams);
        for stream in streams.values() {
            stream.close();
        }
        ended
    }

    fn packets(
        self: &Arc<Self>,
        mut link: &TcpStream,
        sender: &Sender,
        streams: &mut HashMap<u32, Arc<Stream>>,
    ) -> io::Result<()> {
        let mut next = 1;
        loop {
            let packet = Packet::read(&mut link)?;
            if self.faults.pass(true, packet.payload.len()) != Passage::Whole {
                return Ok(());
            }
            let [theirs, ours] = packet.arguments;
            match &packet.command {
                b"CNXN" | b"AUTH" => self.greet(sender, &packet)?,
                b"OPEN" => {
                    let stream = Arc::new(Stream::new(sender.clone(), next, theirs));
                    streams.retain(|_, stream| Arc::strong_count(stream) > 1);
                    streams.insert(next, Arc::clone(&stream));
                    next += 1;
                    let service = String::from_utf8_lossy(&packet.payload).trim_end_matches('\0').to_owned();
                    let daemon = Arc::clone(self);
                    thread::spawn(move || {
                        // The host may hang up at any moment.
                        let _ = daemon.open(&stream, &service);
                    });
                }
                command => {
                    let Some(stream) = streams.get(&ours) else { continue };
                    match command {
                        b"OKAY" => stream.acknowledged(),
                        b"WRTE" => stream.arrived(packet.payload),
                        b"CLSE" => stream.close(),
                        _ => {}
                    }
                }
            }
        }
    }

    fn greet(&self, sender: &Sender, packet: &Packet) -> io::Result<()> {
        let faults = self.faults.now();
        if faults.offline {
            return Ok(());
        }
        if !faults.unauthorized {
            return sender.send(b"CNXN", [VERSION, MOST_BYTES as u32], self.banner().as_bytes());
        }
        // A key is shown to the user, who does nothing.
        let asks_again = packet.command == *b"CNXN" || packet.arguments[0] == SIGNATURE;
        if asks_again { sender.send(b"AUTH", [TOKEN, 0], &[7; 20]) } else { Ok(()) }
    }

    /// Serves `shell:COMMAND`, `shell,v2,raw:COMMAND`, `exec:COMMAND` or `sync:`.
    fn open(&self, stream: &Stream, service: &str) -> io::Result<()> {
        let (kind, rest) = service.split_once(':').unwrap_or((service, ""));
        let mut options = kind.split(',');
        let kind = options.next().unwrap_or_default();
        let is_refused = self.faults.now().refused.is_some_and(|text| service.starts_with(&text));
        if is_refused || !["shell", "exec", "sync"].contains(&kind) {
            return stream.refuse();
        }
        stream.send(b"OKAY", &[])?;
        match kind {
            "sync" => sync::serve(self, stream)?,
            _ if options.any(|option| option == "v2") => shell::with_packets(self, stream, rest)?,
            _ => shell::plain(self, stream, rest)?,
        }
        stream.settle();
        stream.send(b"CLSE", &[])
    }
}
