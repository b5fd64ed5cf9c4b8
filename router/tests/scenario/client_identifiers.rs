//! How long a client identifier may be.

use ringmq_router::Settings;

use crate::script::{check, check_with};

/// [v3.1.1 MQTT-3.1.3-5] [v5 MQTT-3.1.3-5]
#[test]
fn long_ones_are_taken_by_all_versions() {
    let long = "x".repeat(100);
    check(&format!(
        "a: connect v31 clean id=a{long}
         a< connack 0x00
         b: connect v311 clean id=b{long}
         b< connack 0x00
         c: connect v5 clean id=c{long}
         c< connack 0x00 ..."
    ));
}

/// [v5 MQTT-3.1.3-8]
#[test]
fn longer_ones_than_the_setting_says_are_refused() {
    let settings = Settings {
        client_id_bytes_max: 23,
        ..Settings::default()
    };
    let (fits, too_long) = ("x".repeat(22), "x".repeat(23));
    check_with(
        1,
        settings,
        &format!(
            "a: connect v31 clean id=a{fits}
             a< connack 0x00
             b: connect v31 clean id=b{too_long}
             b< connack 0x85
             b< closed
             c: connect v311 clean id=c{too_long}
             c< connack 0x85
             c< closed
             d: connect v5 clean id=d{too_long}
             d< connack 0x85
             d< closed"
        ),
    );
}
