//! A phone's daemon, as far as commands of the shell need it (AOSP, `packages/modules/adb/protocol.txt`).

use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, Sender, channel},
    },
    thread,
    time::Duration,
};

use super::Tree;

/// Longest payload of a packet.
const MOST_BYTES: usize = 64 << 10;
/// Without checksums of payloads.
const VERSION: u32 = 0x0100_0001;
const TOKEN: u32 = 1;
const SIGNATURE: u32 = 2;
/// Kinds of packets within the second version of the shell service.
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const EXIT: u8 = 3;

/// What goes wrong.
#[derive(Clone, Debug, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// The user does not allow the computer.
    Unauthorized,
    /// A command with this text gets no answer, and the connection stays open.
    Hangs(&'static str),
    /// The daemon dies after the first bytes of the answer to a command with this text.
    Dies(&'static str),
    /// It accepts no connection.
    Gone,
}

/// A phone in the network.
pub struct StandIn {
    phone: Arc<Phone>,
    address: SocketAddr,
}

struct Phone {
    tree: Tree,
    features: &'static str,
    fault: Mutex<Fault>,
    links: Mutex<Vec<TcpStream>>,
}

impl StandIn {
    /// A phone of today.
    pub fn new(tree: Tree) -> Self {
        Self::with_features(tree, "shell_v2,cmd,stat_v2")
    }

    /// A phone whose daemon has those features.
    pub fn with_features(tree: Tree, features: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let phone = Arc::new(Phone { tree, features, fault: Mutex::default(), links: Mutex::default() });
        let served = Arc::clone(&phone);
        thread::spawn(move || {
            for link in listener.incoming().flatten() {
                let phone = Arc::clone(&served);
                thread::spawn(move || serve(&phone, link));
            }
        });
        Self { phone, address }
    }

    /// By which adb knows it.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// From now on, this goes wrong.
    pub fn fail(&self, fault: Fault) {
        *self.phone.fault.lock().unwrap() = fault;
    }

    /// Ends all connections, as a cable that is pulled.
    pub fn disconnect(&self) {
        for link in self.phone.links.lock().unwrap().drain(..) {
            let _ = link.shutdown(Shutdown::Both);
        }
    }
}

impl Phone {
    fn fault(&self) -> Fault {
        self.fault.lock().unwrap().clone()
    }

    fn banner(&self) -> String {
        format!(
            "device::ro.product.name=standin;ro.product.model=One;ro.product.device=standin;features={}",
            self.features
        )
    }
}

/// A message of the protocol.
struct Packet {
    command: [u8; 4],
    arguments: [u32; 2],
    payload: Vec<u8>,
}

impl Packet {
    fn read(mut link: &TcpStream) -> io::Result<Self> {
        let mut head = [0; 24];
        link.read_exact(&mut head)?;
        let word = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap());
        let mut payload = vec![0; word(12) as usize];
        link.read_exact(&mut payload)?;
        Ok(Self { command: head[..4].try_into().unwrap(), arguments: [word(4), word(8)], payload })
    }

    fn write(command: &[u8; 4], arguments: [u32; 2], payload: &[u8], mut link: &TcpStream) -> io::Result<()> {
        let check: u32 = payload.iter().copied().map(u32::from).sum();
        let magic = u32::from_le_bytes(*command) ^ u32::MAX;
        let mut packet = command.to_vec();
        for word in [arguments[0], arguments[1], payload.len() as u32, check, magic] {
            packet.extend(word.to_le_bytes());
        }
        packet.extend(payload);
        link.write_all(&packet)
    }
}

/// A service that is open: the host acknowledges each packet before the next one is sent.
struct Stream {
    link: Arc<Mutex<TcpStream>>,
    ours: u32,
    theirs: u32,
    acknowledged: Receiver<()>,
}

impl Stream {
    fn send(&self, command: &[u8; 4], payload: &[u8]) -> io::Result<()> {
        Packet::write(command, [self.ours, self.theirs], payload, &self.link.lock().unwrap())
    }

    /// Returns once the host has taken it.
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        for part in bytes.chunks(MOST_BYTES) {
            self.send(b"WRTE", part)?;
            self.acknowledged.recv().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        }
        Ok(())
    }
}

/// One connection of a server.
fn serve(phone: &Arc<Phone>, link: TcpStream) {
    if matches!(phone.fault(), Fault::Gone) {
        return;
    }
    phone.links.lock().unwrap().push(link.try_clone().unwrap());
    let writer = Arc::new(Mutex::new(link.try_clone().unwrap()));
    let mut streams: HashMap<u32, Sender<()>> = HashMap::new();
    let mut next = 1;
    while let Ok(packet) = Packet::read(&link) {
        let send =
            |command, arguments, payload: &[u8]| Packet::write(command, arguments, payload, &writer.lock().unwrap());
        let [theirs, ours] = packet.arguments;
        let sent = match &packet.command {
            b"CNXN" | b"AUTH" if matches!(phone.fault(), Fault::Unauthorized) => {
                // A key is shown to the user, who does nothing.
                let asks_again = packet.command == *b"CNXN" || theirs == SIGNATURE;
                if asks_again { send(b"AUTH", [TOKEN, 0], &[7; 20]) } else { Ok(()) }
            }
            b"CNXN" | b"AUTH" => send(b"CNXN", [VERSION, MOST_BYTES as u32], phone.banner().as_bytes()),
            b"OPEN" => {
                let (sender, acknowledged) = channel();
                streams.insert(next, sender);
                let stream = Stream { link: Arc::clone(&writer), ours: next, theirs, acknowledged };
                next += 1;
                let service = String::from_utf8_lossy(&packet.payload).trim_end_matches('\0').to_owned();
                let phone = Arc::clone(phone);
                // The host may hang up at any moment.
                thread::spawn(move || drop(open(&phone, &stream, &service)));
                Ok(())
            }
            b"OKAY" => {
                // Nobody waits for it once the service has ended.
                let _ = streams.get(&ours).map(|stream| stream.send(()));
                Ok(())
            }
            b"WRTE" => send(b"OKAY", [ours, theirs], &[]),
            b"CLSE" => {
                streams.remove(&ours);
                Ok(())
            }
            _ => Ok(()),
        };
        if sent.is_err() {
            break;
        }
    }
}

/// Serves `shell:COMMAND` or `shell,v2,raw:COMMAND`.
fn open(phone: &Phone, stream: &Stream, service: &str) -> io::Result<()> {
    let (kind, command) = service.split_once(':').unwrap_or((service, ""));
    if kind.split(',').next() != Some("shell") {
        return stream.send(b"CLSE", &[]);
    }
    stream.send(b"OKAY", &[])?;
    let fault = phone.fault();
    if matches!(fault, Fault::Hangs(text) if command.contains(text)) {
        thread::sleep(Duration::from_secs(600));
        return Ok(());
    }
    let output = phone.tree.run(command);
    let has_packets = kind.split(',').any(|option| option == "v2");
    let packet = |kind: u8, bytes: &[u8]| match has_packets {
        true => [&[kind], &(bytes.len() as u32).to_le_bytes()[..], bytes].concat(),
        false => bytes.to_vec(),
    };
    if matches!(fault, Fault::Dies(text) if command.contains(text)) {
        let half = &output.stdout[..output.stdout.len() / 2];
        stream.write(&packet(STDOUT, half))?;
        return stream.link.lock().unwrap().shutdown(Shutdown::Both);
    }
    for (kind, bytes) in [(STDOUT, &output.stdout), (STDERR, &output.stderr)] {
        if !bytes.is_empty() {
            stream.write(&packet(kind, bytes))?;
        }
    }
    if has_packets {
        stream.write(&packet(EXIT, &[output.status.code().unwrap_or(255) as u8]))?;
    }
    stream.send(b"CLSE", &[])
}
