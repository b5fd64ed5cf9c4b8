//! The properties of a PUBLISH on their way through, compared to the byte.

use ringmq_router::Settings;

use crate::broker::Broker;
use crate::notation::bytes;

/// Sent by a publisher with these properties, the message comes to a subscriber with the same.
#[track_caller]
fn check_forwarded(properties: &str) {
    for shards in [1, 3] {
        let mut broker = Broker::new(shards, Settings::default());
        broker.open("s", 0);
        broker.receive(
            "s",
            &bytes("10 [<MQTT> 05 02 003c [] <s>] 82 [0001 [] <t> 00]"),
        );
        broker.settle();
        broker.transports.get_mut("s").unwrap().sent.clear();
        broker.open("p", 0);
        broker.receive("p", &bytes("10 [<MQTT> 05 02 003c [] <publisher>]"));
        broker.settle();
        let publish = bytes(&format!("30 [<t> [{properties}] 'payload']"));
        broker.receive("p", &publish);
        broker.settle();
        assert_eq!(
            broker.transports["s"].sent, publish,
            "{properties}, {shards} shards"
        );
    }
}

/// [v5 MQTT-3.3.2-4] [v5 MQTT-3.3.2-15] [v5 MQTT-3.3.2-16] [v5 MQTT-3.3.2-17] [v5 MQTT-3.3.2-18]
/// [v5 MQTT-3.3.2-20]
#[test]
fn every_property_is_forwarded_as_it_came() {
    for property in [
        "01 00",
        "01 01",
        "03 <text/plain>",
        "03 <>",
        "08 <answers/to me>",
        "09 0003 00ff80",
        "09 0000",
        "26 <key> <value>",
        "26 <> <>",
        "26 <z> <1> 26 <a> <2> 26 <z> <3> 26 <z> <1>",
        "01 01 03 <t> 08 <r> 09 0001 ff 26 <b> <1> 26 <a> <2>",
    ] {
        check_forwarded(property);
    }
}
