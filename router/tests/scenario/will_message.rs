//! The message of a will: once, with the QoS, the retain flag and the properties it was given.

use ringmq_router::Settings;

use crate::broker::Broker;
use crate::notation::bytes;
use crate::script::check;

/// [v3.1.1 MQTT-3.1.2-10] [v5 MQTT-3.1.2-10]
#[test]
fn a_will_is_published_once() {
    for version in ["v311", "v5 expiry=100"] {
        check(&format!(
            "s: connected v311 clean
             s: subscribe 1 status:1
             s< suback 1 0x01
             d: connected {version} will=status:gone:1
             d! drop
             s< publish status gone q=1 id=1
             d: connected {version}
             d! drop
             s< -
             d: connected {version} clean
             d: disconnect
             s< -"
        ));
    }
}

/// [v3.1.1 MQTT-3.1.2-12]
#[test]
fn no_will_no_message() {
    for version in ["v311 clean", "v5 clean", "v311"] {
        check(&format!(
            "s: connected v311 clean
             s: subscribe 1 #:0
             s< suback 1 0x00
             d: connected {version}
             d! drop
             pass 100
             s< -"
        ));
    }
}

/// [v3.1.1 MQTT-3.1.2-16] [v3.1.1 MQTT-3.1.2-17] [v5 MQTT-3.1.2-14] [v5 MQTT-3.1.2-15]
/// [v5 MQTT-3.2.2-13]
#[test]
fn a_will_is_retained_only_if_it_says_so() {
    for version in ["v311 clean", "v5 clean"] {
        check(&format!(
            "d: connected {version} will=passing:gone
             e: connected {version} will=staying:gone willretain
             d! drop
             e! drop
             s: connected v311 clean
             s: subscribe 1 passing:0 staying:0
             s< suback 1 0x00 0x00
             s< publish staying gone retain"
        ));
    }
}

/// [v5 MQTT-3.2.2-12]
#[test]
fn a_will_keeps_its_qos() {
    for version in ["v311 clean", "v5 clean"] {
        check(&format!(
            "s: connected v311 clean
             s: subscribe 1 status:2
             s< suback 1 0x02
             d: connected {version} will=status:0:0
             d! drop
             s< publish status 0
             d: connected {version} will=status:1:1
             d! drop
             s< publish status 1 q=1 id=1
             d: connected {version} will=status:2:2
             d! drop
             s< publish status 2 q=2 id=2"
        ));
    }
}

/// [v5 MQTT-3.1.3-10]
#[test]
fn its_properties_are_forwarded_in_order() {
    for shards in [1, 3] {
        let mut broker = Broker::new(shards, Settings::default());
        broker.open("s", 0);
        broker.receive(
            "s",
            &bytes("10 [<MQTT> 05 02 003c [] <s>] 82 [0001 [] <t> 00]"),
        );
        broker.settle();
        broker.transports.get_mut("s").unwrap().sent.clear();
        let properties = "26 <z> <1> 26 <a> <2> 26 <z> <0>";
        broker.open("d", 0);
        let connect = format!("10 [<MQTT> 05 06 003c [] <d> [{properties}] <t> <gone>]");
        broker.receive("d", &bytes(&connect));
        broker.settle();
        broker.drop_connection("d");
        broker.settle();
        let expected = bytes(&format!("30 [<t> [{properties}] 'gone']"));
        assert_eq!(broker.transports["s"].sent, expected, "{shards} shards");
    }
}
