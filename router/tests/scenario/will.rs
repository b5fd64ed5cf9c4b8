//! Wills: when they are published, and when they are not.

use crate::script::check;

/// [v3.1.1 MQTT-3.1.2-8] [v3.1.1 MQTT-3.1.2-9] [v3.1.1 MQTT-3.1.2-17]
#[test]
fn a_dropped_connection_leaves_its_will() {
    check(
        "s: connected v311 clean
         s: subscribe 1 status:1
         s< suback 1 0x01
         d: connected v311 clean at=1 will=status:gone:1 willretain
         d! drop
         s< publish status gone q=1 id=1
         o: connected v311 clean
         o: subscribe 1 status:0
         o< suback 1 0x00
         o< publish status gone retain",
    );
}

/// [v3.1.1 MQTT-3.1.2-10] [v3.1.1 MQTT-3.14.4-3] [v5 MQTT-3.1.2-10] [v5 MQTT-3.14.4-3]
#[test]
fn disconnect_takes_the_will_back_unless_it_says_otherwise() {
    check(
        "s: connected v311 clean
         s: subscribe 1 status:0
         s< suback 1 0x00
         d: connected v311 clean will=status:gone
         d: disconnect
         d< closed
         e: connected v5 clean will=status:gone
         e: disconnect
         e< closed
         s< -
         f: connected v5 clean will=status:f
         f: disconnect reason=4
         f< closed
         s< publish status f",
    );
}

/// [v3.1.1 MQTT-3.1.2-8]
#[test]
fn a_takeover_and_silence_and_a_wrong_packet_leave_the_will() {
    check(
        "s: connected v311 clean
         s: subscribe 1 status:0
         s< suback 1 0x00
         d: connected v311 clean id=x will=status:taken
         e: connected v311 clean id=x will=status:silent keepalive=2
         d< closed
         s< publish status taken
         pass 3
         e< closed
         s< publish status silent
         f: connected v311 clean will=status:wrong
         f: raw 00
         f: raw 00
         f< closed
         s< publish status wrong",
    );
}

/// [v5 MQTT-3.1.2-7] [v5 MQTT-3.1.2-8] [v5 MQTT-3.1.3-9]
#[test]
fn a_delayed_will_waits_and_a_resume_cancels_it() {
    check(
        "s: connected v311 clean
         s: subscribe 1 status:0
         s< suback 1 0x00
         d: connected v5 expiry=100 will=status:gone willdelay=5
         d! drop
         pass 4
         s< -
         d: connected v5 expiry=100 will=status:again willdelay=5
         pass 10
         s< -
         d! drop
         pass 5
         s< publish status again
         pass 100",
    );
}

/// Its CONNECT may be there, unread.
#[test]
fn nobody_stays_away_while_the_shard_does_not_read() {
    check(
        "s: connected v311 clean
         s: subscribe 1 status:0
         s< suback 1 0x00
         d: connected v5 expiry=10 will=status:gone willdelay=5
         d! drop
         behind 20
         s< -
         d: connected v5 expiry=10 will=status:again willdelay=5
         d! drop
         pass 4
         behind 20
         s< -
         pass 1
         s< publish status again",
    );
}

/// [v5 MQTT-3.1.2-8]
#[test]
fn the_end_of_the_session_brings_the_will_forward() {
    check(
        "s: connected v311 clean
         s: subscribe 1 status:0
         s< suback 1 0x00
         d: connected v5 expiry=3 will=status:expired willdelay=50
         d! drop
         pass 3
         s< publish status expired
         e: connected v5 expiry=30 will=status:cleaned willdelay=50
         e! drop
         e: connected v5 clean
         s< publish status cleaned
         f: connected v5 will=status:ended willdelay=50
         f! drop
         s< publish status ended",
    );
}

#[test]
fn no_local_holds_for_the_clients_own_will() {
    check(
        "d: connected v5 expiry=60 will=status:gone:1
         d: subscribe 1 status:1:nl
         d< suback 1 0x01
         o: connected v5 clean
         o: subscribe 1 status:1
         o< suback 1 0x01
         d! drop
         o< publish status gone q=1 id=1
         d: connect v5 expiry=60
         d< connack 0x00 present
         d< -",
    );
}
