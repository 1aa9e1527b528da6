use std::{
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread,
};

use super::{Addressed, Fault, Faults, Tree, daemon::Daemon, faults::FaultSource};

/// A phone in the network, within the process of a test. It answers the shell's commands, and no program runs on it.
pub struct StandIn {
    daemon: Arc<Daemon>,
    address: SocketAddr,
}

impl StandIn {
    /// A phone of today.
    pub fn new(tree: Tree) -> Self {
        Self::with_features(tree, super::FEATURES)
    }

    /// A phone whose daemon has those features.
    pub fn with_features(tree: Tree, features: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let daemon = Arc::new(Daemon::new(tree, "One", features, FaultSource::default()));
        let served = Arc::clone(&daemon);
        thread::spawn(move || served.serve(&listener));
        Self { daemon, address }
    }

    /// From now on, this goes wrong, and nothing else.
    pub fn fail(&self, fault: Fault) {
        self.daemon.faults.set(Faults::from(fault));
    }

    /// Ends all connections, as a cable that is pulled.
    pub fn disconnect(&self) {
        self.daemon.disconnect();
    }
}

impl Addressed for StandIn {
    fn address(&self) -> String {
        self.address.to_string()
    }
}
