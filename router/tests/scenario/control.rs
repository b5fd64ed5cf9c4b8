//! The control plane: orders, a new configuration, and the end.

use std::sync::Arc;

use ringmq_codec::Version;
use ringmq_router::{Answer, CloseReason, Command, CommandId, Input, Output, Outputs, Settings};

use crate::broker::Broker;
use crate::packets;
use crate::script::{check, check_with};

#[test]
fn a_client_is_thrown_out_by_order() {
    check_with(
        1,
        Settings::default(),
        "a: connected v5 clean
         b: connected v311 expiry=10
         disconnect 0 a
         event answer 1 Done
         a< disconnect 0x98
         a< closed
         disconnect 0 a
         event answer 1 NotFound
         disconnect 0 b
         event answer 1 Done
         b< closed
         disconnect 0 b
         event answer 1 NotFound
         trace 0 b
         event answer 1 Done
         trace 0 nobody
         event answer 1 NotFound",
    );
}

#[test]
fn shutdown_tells_v5_and_closes_all_without_wills() {
    check(
        "s: connected v5 clean
         s: subscribe 1 status:0
         s< suback 1 0x00
         a: connected v311 clean at=1 will=status:gone
         b! open
         shutdown
         s< disconnect 0x8b
         s< closed
         a< closed
         b< closed",
    );
}

#[test]
fn new_settings_hold_from_then_on() {
    let mut broker = Broker::new(1, Settings::default());
    let (version, connect) = packets::connect("a", &["v5", "clean"]);
    broker.open("a", 0);
    broker.receive("a", &connect);
    let settings = Settings {
        packet_size_max: 50,
        ..Settings::default()
    };
    broker.handle(0, Input::Settings(Arc::new(settings)));
    let publish = packets::packet(version, &["publish", "t", "*60"]);
    broker.receive("a", &publish);
    let sent = packets::describe_all(Version::V5, &broker.transports["a"].sent);
    assert_eq!(sent[1], "disconnect 0x95");
    let closed = broker.transports["a"].closed;
    assert!(matches!(closed, Some(CloseReason::Malformed(_))));
}

#[test]
fn a_client_is_held_to_the_receive_maximum_it_was_told() {
    let mut broker = Broker::new(1, Settings::default());
    let (version, connect) = packets::connect("a", &["v5", "clean"]);
    broker.open("a", 0);
    broker.receive("a", &connect);
    let settings = Settings {
        receive_max: 1,
        ..Settings::default()
    };
    broker.handle(0, Input::Settings(Arc::new(settings)));
    for id in ["id=1", "id=2"] {
        let publish = packets::packet(version, &["publish", "t", "x", "q=2", id]);
        broker.receive("a", &publish);
    }
    assert_eq!(broker.transports["a"].closed, None);
}

#[test]
fn counters_are_asked_for() {
    let mut broker = Broker::new(1, Settings::default());
    let (_, connect) = packets::connect("a", &["v5", "clean"]);
    broker.open("a", 0);
    broker.receive("a", &connect);
    let input = Input::Command {
        id: CommandId(7),
        command: Command::Stats,
    };
    let mut outputs = Outputs::new();
    broker.shards[0].handle(broker.now, input, &mut outputs);
    let [Output::Answer { id, answer }] = outputs.list.as_slice() else {
        panic!("one answer, not {:?}", outputs.list);
    };
    let Answer::Stats(stats) = answer else {
        panic!("counters, not {answer:?}");
    };
    assert_eq!(*id, CommandId(7));
    assert_eq!((stats.connections, stats.connects_accepted_total), (1, 1));
    assert_eq!(stats.bytes_received_total, connect.len() as u64);
}
