//! Values, payloads and the memory of a sensor.

use super::*;
use crate::audit::Audit;
use crate::pacing::FleetLoop;

const SENSOR: StreamId = StreamId(1);

/// Readings of one sensor, one a second.
fn readings(model: ValueModel, count: u64) -> Vec<f32> {
    let mut values = Values::new(model, 2, 1.0);
    (0..count)
        .map(|second| values.next(SENSOR, second * 1_000_000_000))
        .collect()
}

#[test]
fn a_random_walk_moves_in_small_steps_within_its_bounds() {
    let model = ValueModel::RandomWalk {
        start: 5.0,
        step: 1.0,
        min: 0.0,
        max: 10.0,
    };
    let values = readings(model, 2_000);
    assert!(values.iter().all(|value| (0.0..=10.0).contains(value)));
    assert!(
        values
            .windows(2)
            .all(|two| (two[1] - two[0]).abs() <= 1.001)
    );
    assert!(values.iter().any(|&value| value != 5.0));
}

#[test]
fn a_sine_returns_after_its_period() {
    let model = ValueModel::Sine {
        mean: 20.0,
        amplitude: 5.0,
        period_secs: 60.0,
        noise: 0.0,
    };
    let values = readings(model, 121);
    assert!((values[0] - values[60]).abs() < 0.01 && (values[30] - values[90]).abs() < 0.01);
    assert!(values.iter().all(|value| (14.99..=25.01).contains(value)));
    assert!((values[0] - values[30]).abs() > 0.1);
}

#[test]
fn steps_and_switches_dwell() {
    let steps = readings(
        ValueModel::Steps {
            levels: vec![1.0, 2.0, 4.0],
            dwell_secs: 10.0,
        },
        1_000,
    );
    assert!(steps.iter().all(|value| [1.0, 2.0, 4.0].contains(value)));
    let changes = steps.windows(2).filter(|two| two[0] != two[1]).count();
    assert!((20..200).contains(&changes), "{changes}");
    let switch = readings(
        ValueModel::OnOff {
            on_secs: 20.0,
            off_secs: 5.0,
        },
        5_000,
    );
    let on = switch.iter().filter(|&&value| value == 1.0).count();
    assert!((3_500..4_500).contains(&on), "{on}");
}

fn args() -> FleetArgs {
    FleetArgs {
        sensors: 100_000,
        gateways: 100,
        subscribers: 10,
        stalled: 0,
        sites: 10,
        kinds: vec!["temp".to_owned(), "hum".to_owned()],
        topic: "site/{site}/{kind}/{id}".to_owned(),
        interval_secs: 30.0,
        jitter: 1.0,
        phase: Phase::Random,
        form: PayloadForm::Json,
        payload_bytes: 64,
        value: ValueModel::default(),
        qos: 0,
        phases: Phases {
            warmup: 0.0,
            duration: 60.0,
            drain: 1.0,
        },
    }
}

#[test]
fn payloads_of_every_form_are_read_back() {
    let stamp = Stamp {
        run: 3,
        stream: StreamId(7_001),
        sequence: 9,
        due_ns: 1 << 33,
    };
    for form in [PayloadForm::Json, PayloadForm::Cbor, PayloadForm::Raw] {
        let mut plan = plan(&FleetArgs { form, ..args() }, ConnectArgs::default()).unwrap();
        let mut payload = Vec::new();
        plan.topics.payload(stamp, &mut payload);
        assert_eq!(Stamp::read(&payload), Ok(stamp), "{form:?}");
        for at in 0..payload.len() {
            let mut changed = payload.clone();
            changed[at] ^= 1;
            assert!(Stamp::read(&changed).is_err(), "{form:?}, byte {at}");
        }
        if form == PayloadForm::Json {
            let json: serde_json::Value = serde_json::from_slice(&payload).unwrap();
            assert_eq!((&json["id"], &json["kind"]), (&7_001.into(), &"hum".into()));
        }
    }
}

#[test]
fn cbor_is_a_map_of_four() {
    let stamp = Stamp {
        run: 0,
        stream: StreamId(1),
        sequence: 0,
        due_ns: 0,
    };
    let mut bytes = Vec::new();
    payload::write_cbor(stamp, "temp", 1.5, &mut bytes);
    let expected = b"\xA4\x62id\x1A\x00\x00\x00\x01\x64kind\x64temp\x65value\xFA\x3F\xC0\x00\x00\x65stamp\x58\x20";
    assert_eq!(&bytes[..expected.len()], expected);
    assert_eq!(bytes.len(), expected.len() + 32);
}

#[test]
fn bytes_per_sensor() {
    let args = args();
    let plan = plan(&args, ConnectArgs::default()).unwrap();
    let values = Values::new(args.value.clone(), args.sensors, args.interval_secs);
    let mut pacing = FleetLoop::new(plan.layout, args.interval_secs, args.jitter, args.phase);
    pacing.begin(0, 60_000_000_000);
    // A whole interval: everything that waits for its jitter waits.
    for second in 0..30 {
        while pacing.poll(second * 1_000_000_000, |_| true).is_some() {}
    }
    let audit = Audit::new(&plan.layout);
    let bytes = values.bytes() + pacing.bytes() + audit.bytes();
    let each = bytes as f64 / f64::from(args.sensors);
    assert!(each <= 64.0, "{each} bytes for each sensor");
}

#[test]
fn fleets_that_cannot_be_are_refused() {
    let refused = |change: fn(&mut FleetArgs)| {
        let mut args = args();
        change(&mut args);
        assert!(plan(&args, ConnectArgs::default()).is_err());
    };
    refused(|args| args.gateways = 100_001);
    refused(|args| args.sites = 11);
    refused(|args| args.kinds.clear());
    refused(|args| args.topic = "site/{site}".to_owned());
    refused(|args| {
        args.value = ValueModel::Steps {
            levels: Vec::new(),
            dwell_secs: 1.0,
        }
    });
}
