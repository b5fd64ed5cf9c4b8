//! A subscriber that does not read costs itself messages and nobody else anything.

use ringmq_codec::Qos;

use crate::client::{Client, Incoming};
use crate::server::Server;

const MESSAGES: u32 = 4_000;
const PAYLOAD_BYTES: usize = 4 * 1024;

fn check_slow_subscriber(shards: u8) {
    let server = Server::start(shards);
    let mut slow = Client::connect(server.address, "slow");
    slow.subscribe("stream", Qos::AtMostOnce);
    let mut readers: Vec<Client> = (0..4)
        .map(|i| {
            let mut client = Client::connect(server.address, &format!("reader-{i}"));
            client.subscribe("stream", Qos::AtMostOnce);
            client
        })
        .collect();
    let mut publisher = Client::connect(server.address, "publisher");
    let mut payload = vec![0; PAYLOAD_BYTES];
    // In step with the readers, so that only the slow one can lose.
    for first in (0..MESSAGES).step_by(16) {
        for number in first..first + 16 {
            payload[..4].copy_from_slice(&number.to_be_bytes());
            publisher.publish("stream", &payload, Qos::AtMostOnce);
        }
        for reader in &mut readers {
            for number in first..first + 16 {
                assert_eq!(reader.message().payload[..4], number.to_be_bytes());
            }
        }
    }
    let drops = server.stats().drops.total();
    assert!(drops > 0, "16 MiB do not fit where nobody reads");

    // Once it reads again it gets what its socket and queue held, then what is new.
    let mut received = 0_u64;
    let mut last = None;
    while received + drops < u64::from(MESSAGES) {
        let message = slow.message();
        let number = u32::from_be_bytes(message.payload[..4].try_into().unwrap());
        assert!(last < Some(number), "in order");
        last = Some(number);
        received += 1;
    }
    assert_eq!(
        server.stats().drops.total(),
        drops,
        "received and dropped is all"
    );
    publisher.publish("stream", &[0xFF; 4], Qos::AtMostOnce);
    assert_eq!(slow.message().payload, [0xFF; 4]);
    slow.ping();
    assert_eq!(slow.receive(), Incoming::PingResp);
    server.stop();
}

#[test]
fn on_one_shard() {
    check_slow_subscriber(1);
}

#[test]
fn across_shards() {
    check_slow_subscriber(4);
}
