//! A broker in this process, on a port of the kernel's choice.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use ringmq::broker::{Broker, BrokerConfig, ListenerSet};
use ringmq::placement::Placement;
use ringmq_router::{Settings, Stats};
use socket2::{Domain, Protocol, Socket, Type};

use crate::client::PATIENCE;

/// A running broker; [`Server::stop`] it at the end of a test.
#[derive(Debug)]
pub(crate) struct Server {
    broker: Broker,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts with `shards` shards and defaults.
    pub(crate) fn start(shards: u8) -> Server {
        Server::start_with(shards, |_| ())
    }

    /// Starts with `shards` shards after `change` had its say.
    pub(crate) fn start_with(shards: u8, change: impl FnOnce(&mut BrokerConfig)) -> Server {
        raise_descriptor_limit();
        let shared = listeners(usize::from(shards));
        let address = shared[0].local_addr().expect("bound");
        let mut config = BrokerConfig {
            placement: Placement::unpinned(shards),
            listeners: vec![ListenerSet {
                address,
                sockets: shared,
            }],
            router: Arc::new(Settings {
                sys_interval_secs: 0,
                ..Settings::default()
            }),
            authenticator: None,
            connections_max: 10_000,
            link_capacity: 256,
            shutdown_secs: 5,
            hash_seed: 0x5EED_0000_0000_0001,
            random_seed: 7,
        };
        change(&mut config);
        let broker = Broker::start(config).expect("a broker starts");
        Server { broker, address }
    }

    /// Counters of all shards together.
    pub(crate) fn stats(&self) -> Stats {
        let shards = self.broker.handle().stats(PATIENCE);
        assert!(!shards.is_empty(), "the shards answer");
        let mut all = Stats::default();
        for shard in &shards {
            all.merge(shard);
        }
        all
    }

    /// Waits until the counters are as wanted.
    pub(crate) fn wait_for_stats(&self, wanted: impl Fn(&Stats) -> bool) {
        let attempts = PATIENCE.as_millis() / 10;
        for _ in 0..attempts {
            if wanted(&self.stats()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("never: {:#?}", self.stats());
    }

    /// Orders the stop, does something, and waits for an orderly end.
    pub(crate) fn stop_while(self, meanwhile: impl FnOnce()) {
        self.broker.shut_down();
        meanwhile();
        self.broker.wait().expect("an orderly end");
    }

    /// Orders the stop and waits for an orderly end.
    pub(crate) fn stop(self) {
        self.broker.shut_down();
        self.broker.wait().expect("an orderly end");
    }
}

/// `count` sockets that listen on one port of the loopback.
fn listeners(count: usize) -> Vec<TcpListener> {
    let mut address = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut sockets = Vec::new();
    for _ in 0..count {
        let socket =
            Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP)).expect("a socket");
        socket.set_reuse_port(true).expect("a socket option");
        socket.set_tcp_nodelay(true).expect("a socket option");
        socket.bind(&address.into()).expect("a free port");
        socket.listen(4_096).expect("a listener");
        let listener = TcpListener::from(socket);
        address = listener.local_addr().expect("bound");
        sockets.push(listener);
    }
    sockets
}

/// As the binary does: the tests hold thousands of sockets.
fn raise_descriptor_limit() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).expect("up to the hard limit");
}
