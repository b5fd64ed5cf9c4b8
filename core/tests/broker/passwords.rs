//! Logins beyond what can be checked: what becomes of them, and of everyone else.

use std::path::PathBuf;
use std::sync::Arc;

use ringmq::limits::AUTHENTICATIONS_WAITING_MAX;
use ringmq::users::{Authenticator, AuthenticatorConfig, Secret, Users};
use ringmq_codec::packet::Connect;
use ringmq_codec::{Packet, Properties, Qos, ReasonCode, Version};
use ringmq_router::{AuthenticationMode, Settings};

use crate::client::{Client, Incoming};
use crate::server::Server;

/// A hash that takes minutes to check, so that the first check outlives the test.
const SLOW: &str = "slow:$argon2id$v=19$m=8192,t=30000,p=1$c29tZXNhbHQ$\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n";

/// With one thread that checks passwords; clients that name no user are let in.
fn server(shards: u8, name: &str, users: &str) -> (Server, Arc<Authenticator>) {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, users).unwrap();
    let users = Users::read(&path, &Secret::draw().unwrap()).unwrap();
    let authenticator = Authenticator::start(AuthenticatorConfig {
        users,
        allow_anonymous: Box::new([true]),
        threads: 1,
    });
    let authenticator = Arc::new(authenticator.unwrap());
    let server = Server::start_with(shards, |config| {
        config.authenticator = Some(Arc::clone(&authenticator));
        config.router = Arc::new(Settings {
            authentication: AuthenticationMode::External,
            ..Settings::clone(&config.router)
        });
    });
    (server, authenticator)
}

fn log_in(server: &Server, client_id: &str, version: Version) -> Client {
    let mut client = Client::bare(server.address, version);
    client.send(&Packet::Connect(Connect {
        version,
        clean_start: true,
        keep_alive_secs: 0,
        client_id,
        will: None,
        user_name: Some("slow"),
        password: Some(b"wrong"),
        properties: Properties::EMPTY,
    }));
    client
}

#[test]
fn logins_beyond_the_bound_are_refused_at_once_and_messages_flow() {
    const BEYOND: usize = 40;
    let (server, authenticator) = server(2, "slow-users", SLOW);
    let mut subscriber = Client::connect(server.address, "subscriber");
    subscriber.subscribe("t", Qos::AtLeastOnce);
    let mut publisher = Client::connect(server.address, "publisher");

    let before = server.stats().packets_received_total;
    let first = log_in(&server, "first", Version::V5);
    server.wait_for_stats(|stats| {
        stats.packets_received_total > before && authenticator.waiting() == 0
    });
    let ids = (0..AUTHENTICATIONS_WAITING_MAX + BEYOND).map(|number| format!("c-{number}"));
    let clients: Vec<Client> = ids.map(|id| log_in(&server, &id, Version::V5)).collect();
    server.wait_for_stats(|stats| stats.authentications_overloaded_total == BEYOND as u64);
    let mut late = log_in(&server, "late", Version::V5);
    let refused = |reason| Incoming::ConnAck {
        session_present: false,
        reason,
    };
    assert_eq!(late.receive(), refused(ReasonCode::QuotaExceeded));
    assert_eq!(late.receive(), Incoming::Closed);
    let mut late = log_in(&server, "late", Version::V311);
    assert_eq!(late.receive(), refused(ReasonCode::ServerUnavailable));

    publisher.publish("t", b"meanwhile", Qos::AtLeastOnce);
    let message = subscriber.message();
    assert_eq!(message.payload, b"meanwhile");
    subscriber.acknowledge(&message);
    // The stop does not wait for the checks.
    drop((first, clients));
    server.stop();
}
