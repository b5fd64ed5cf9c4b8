//! Response Information: where a client's response topics should begin.

use ringmq_router::Settings;

use crate::script::{check, check_with};

fn telling(information: &str) -> Settings {
    Settings {
        response_information: information.into(),
        ..Settings::default()
    }
}

/// [v5 MQTT-3.1.2-28]
#[test]
fn it_is_told_to_who_asks() {
    check_with(
        2,
        telling("response/{client_id}"),
        "a: connect v5 clean id=meter information
         a< connack 0x00 information=response/meter
         b: connect v5 clean id=other
         b< connack 0x00
         c: connect v311 clean id=third
         c< connack 0x00
         d: connect v5 clean information id= size=30
         d< connack 0x95
         d< closed",
    );
}

#[test]
fn without_the_setting_nothing_is_told() {
    check(
        "a: connect v5 clean information
         a< connack 0x00",
    );
}

/// Request and response, with nothing of the broker's own.
#[test]
fn a_response_finds_its_requester() {
    check_with(
        3,
        telling("response/{client_id}"),
        "asker: connect v5 clean id=asker information
         asker< connack 0x00 information=response/asker
         asker: subscribe 1 response/asker/+:1
         asker< suback 1 0x01
         answerer: connected v5 clean
         answerer: subscribe 1 request/#:1
         answerer< suback 1 0x01
         asker: publish request/light on q=1 id=1 user=reply:response/asker/1
         asker< puback 1
         answerer< publish request/light on q=1 id=1 user=reply:response/asker/1
         answerer: publish response/asker/1 done q=1 id=1
         answerer< puback 1
         asker< publish response/asker/1 done q=1 id=1",
    );
}
