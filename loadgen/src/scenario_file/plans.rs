//! From a scenario to the plans that carry it out, one for each load.
//!
//! Where file and command line speak of the same thing, the command line wins if it was given.

use std::collections::HashSet;

use crate::cli::{ChurnArgs, ConnectArgs, LoadArgs, PaceArgs, ReachArgs, TimeArgs};
use crate::cli::{FanArgs, IdleArgs, PairsArgs};
use crate::fleet::{self, FleetArgs};
use crate::limits::MESSAGES_EACH_DEFAULT;
use crate::mqtt_options::MqttOptions;
use crate::scenario::background::{self, BackgroundArgs};
use crate::scenario::replay::{self, ReplayArgs};
use crate::scenario::shared::{self, SharedArgs};
use crate::scenario::{Phases, Plan, Presence, fan_in, fan_out, idle, pairs};
use crate::scenario_file::{Kind, Load, ScenarioFile};

/// Arguments that stand on the command line, by their names in [`ConnectArgs`].
#[derive(Clone, Debug, Default)]
pub(crate) struct Explicit(pub(crate) HashSet<String>);

impl Explicit {
    fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

/// The plans of a scenario, in the order of its loads.
pub(crate) fn plans(
    file: &ScenarioFile,
    connect: &ConnectArgs,
    explicit: &Explicit,
) -> Result<Vec<Plan>, String> {
    let connect = connect_args(file, connect, explicit);
    let mqtt = mqtt_options(file, &connect, explicit);
    mqtt.check()?;
    let weights: f64 = file.load.iter().filter_map(|load| load.weight).sum();
    let mut plans: Vec<Plan> = Vec::new();
    for (at, load) in file.load.iter().enumerate() {
        let mut connect = connect.clone();
        if file.load.len() > 1 {
            // Loads side by side must not hear each other, nor throw each other's clients out.
            let prefix = connect.client_prefix.take();
            let prefix = prefix.unwrap_or_else(|| format!("lg{}", std::process::id()));
            connect.client_prefix = Some(format!("{prefix}-{at}"));
            connect.topic_prefix = format!("{}/{at}", connect.topic_prefix);
        }
        let load = with_rate(load, file.run.rate_per_second, weights);
        let wrong = |why: String| format!("load `{}`: {why}", load.title());
        let mut plan = plan(file, &load, connect).map_err(wrong)?;
        plan.name = match file.load.len() {
            1 => file.name.clone(),
            _ => load.title().to_owned(),
        };
        plan.mqtt = mqtt.clone();
        plan.observes_sys = file.run.observe_drops && at == 0;
        plans.push(plan);
    }
    Ok(plans)
}

/// The churn of a scenario, which is a run of its own kind; `None` when it has none.
pub(crate) fn churn(
    file: &ScenarioFile,
    connect: &ConnectArgs,
    explicit: &Explicit,
) -> Result<Option<ChurnArgs>, String> {
    let Some(load) = lone_load(file, Kind::Churn)? else {
        return Ok(None);
    };
    Ok(Some(ChurnArgs {
        connections: load.connections.unwrap_or(1_000),
        rounds: load.rounds.unwrap_or(10),
        cut_fraction: load.cut_fraction.unwrap_or(0.1),
        connect: connect_args(file, connect, explicit),
    }))
}

/// The reaching of connections, likewise.
pub(crate) fn reach(
    file: &ScenarioFile,
    connect: &ConnectArgs,
    explicit: &Explicit,
) -> Result<Option<ReachArgs>, String> {
    let Some(load) = lone_load(file, Kind::Reach)? else {
        return Ok(None);
    };
    let mut connect = connect_args(file, connect, explicit);
    let mqtt = mqtt_options(file, &connect, explicit);
    connect.version_mqtt = mqtt.version;
    connect.keep_alive = mqtt.keep_alive_secs;
    connect.user_name = mqtt.user_name;
    connect.password = mqtt.password;
    let rounds = load.rounds.unwrap_or(3);
    if rounds > 255 {
        return Err("rounds: at most 255".to_owned());
    }
    Ok(Some(ReachArgs {
        connections: load.connections.unwrap_or(1_000),
        hold: file.run.duration_secs,
        chosen: load.chosen.unwrap_or(100),
        rate: load.rate_per_second.unwrap_or(1_000.0),
        rounds,
        connect,
    }))
}

/// The load of a kind that is a run of its own; `None` when there is none.
fn lone_load(file: &ScenarioFile, kind: Kind) -> Result<Option<&Load>, String> {
    let found = file.load.iter().find(|load| load.kind == kind);
    if found.is_some() && file.load.len() > 1 {
        return Err(alone(kind));
    }
    Ok(found)
}

fn alone(kind: Kind) -> String {
    format!("{} runs alone, not beside other loads", kind.name())
}

fn connect_args(file: &ScenarioFile, connect: &ConnectArgs, explicit: &Explicit) -> ConnectArgs {
    let mut connect = connect.clone();
    let section = &file.connect;
    if let (Some(rate), false) = (section.rate_per_second, explicit.has("connect_rate")) {
        connect.connect_rate = rate;
    }
    if let (Some(ramp), false) = (section.ramp_secs, explicit.has("connect_ramp")) {
        connect.connect_ramp = ramp;
    }
    if let (Some(many), false) = (section.outstanding_max, explicit.has("connect_outstanding")) {
        connect.connect_outstanding = many.max(1);
    }
    connect
}

fn mqtt_options(file: &ScenarioFile, connect: &ConnectArgs, explicit: &Explicit) -> MqttOptions {
    let mut options = MqttOptions::of(connect);
    let section = &file.mqtt;
    if let (Some(version), false) = (section.version, explicit.has("version_mqtt")) {
        options.version = version;
    }
    if let (Some(secs), false) = (section.keep_alive_secs, explicit.has("keep_alive")) {
        options.keep_alive_secs = secs;
    }
    let text = |file: &Option<String>, own: Option<String>| own.or_else(|| file.clone());
    options.user_name = text(&section.user_name, options.user_name);
    options.password = text(&section.password, options.password);
    options.topic_aliases_max = section.topic_aliases_max.unwrap_or_default();
    options.properties = section.properties.clone().unwrap_or_default();
    options
}

/// A load with its part of the common rate, if it has a weight.
fn with_rate(load: &Load, rate_per_second: Option<f64>, weights: f64) -> Load {
    let mut load = load.clone();
    if let (Some(weight), Some(rate)) = (load.weight, rate_per_second) {
        let share = rate * weight / weights;
        match load.kind {
            Kind::Background => load.changes_per_second = Some(share),
            _ => load.rate_per_second = Some(share),
        }
    }
    load
}

fn plan(file: &ScenarioFile, load: &Load, connect: ConnectArgs) -> Result<Plan, String> {
    let publishers = load.publishers.unwrap_or(1);
    let subscribers = load.subscribers.unwrap_or(1);
    match load.kind {
        Kind::FanOut => fan_out::plan(fan(file, load, connect)?),
        Kind::FanIn => {
            let is_exact = load.exact_filters.unwrap_or(false);
            fan_in::plan_with(fan(file, load, connect)?, is_exact)
        }
        Kind::Pairs => pairs::plan(PairsArgs {
            pairs: None,
            publishers: Some(publishers),
            subscribers: Some(load.subscribers.unwrap_or(publishers)),
            load: load_args(file, load)?,
            connect,
        }),
        Kind::Shared => {
            let args = SharedArgs {
                publishers,
                subscribers,
                groups: load.groups.unwrap_or(1),
            };
            shared::plan(args, &load_args(file, load)?, connect)
        }
        Kind::Fleet => fleet::plan(&fleet_args(file, load), connect),
        Kind::RetainedReplay => {
            let filter = load.filter.clone();
            Ok(replay::retained(&replay_args(file, load)?, filter, connect))
        }
        Kind::SessionBacklog => Ok(replay::backlog(&replay_args(file, load)?, connect)),
        Kind::Idle | Kind::ReconnectStorm => {
            let mut plan = idle::plan(IdleArgs {
                connections: load.connections.unwrap_or(1_000),
                duration: file.run.duration_secs,
                connect,
            });
            if load.kind == Kind::ReconnectStorm {
                plan.presence = Presence::Storm {
                    rounds: load.rounds.unwrap_or(1),
                };
            }
            Ok(plan)
        }
        Kind::Background => {
            let args = BackgroundArgs {
                connections: load.connections.unwrap_or(10),
                filters_each: load.filters_each.unwrap_or(100),
                changes_per_second: load.changes_per_second.unwrap_or(0.0),
                phases: phases(file),
            };
            Ok(background::plan(&args, connect))
        }
        Kind::Churn | Kind::Reach => Err(alone(load.kind)),
    }
}

fn phases(file: &ScenarioFile) -> Phases {
    Phases {
        warmup: file.run.warmup_secs,
        duration: file.run.duration_secs,
        drain: file.run.drain_secs,
    }
}

fn fan(file: &ScenarioFile, load: &Load, connect: ConnectArgs) -> Result<FanArgs, String> {
    Ok(FanArgs {
        publishers: load.publishers.unwrap_or(1),
        subscribers: load.subscribers.unwrap_or(1),
        load: load_args(file, load)?,
        connect,
    })
}

fn load_args(file: &ScenarioFile, load: &Load) -> Result<LoadArgs, String> {
    if load.rate_per_second.is_none() && load.window.is_none() {
        return Err(
            "it needs rate_per_second (open loop), window (closed loop), or a weight and run.rate_per_second"
                .to_owned(),
        );
    }
    Ok(LoadArgs {
        qos: load.qos.unwrap_or(0),
        payload: load.payload_bytes.unwrap_or(64),
        time: TimeArgs {
            duration: file.run.duration_secs,
            warmup: file.run.warmup_secs,
            drain: file.run.drain_secs,
            sys: false,
            subscriber_stall: load.stalled_subscribers.unwrap_or(0),
        },
        pace: PaceArgs {
            rate: load.rate_per_second,
            window: load.window,
        },
    })
}

fn replay_args(file: &ScenarioFile, load: &Load) -> Result<ReplayArgs, String> {
    Ok(ReplayArgs {
        topics: load.topics.unwrap_or(1_000),
        publishers: load.publishers.unwrap_or(1),
        subscribers: load.subscribers.unwrap_or(1),
        messages_each: load.messages_each.unwrap_or(MESSAGES_EACH_DEFAULT),
        rate_per_second: load
            .rate_per_second
            .ok_or("it needs rate_per_second, at which messages are stored")?,
        qos: load.qos.unwrap_or(1),
        payload_bytes: load.payload_bytes.unwrap_or(64),
        drain: file.run.drain_secs,
    })
}

fn fleet_args(file: &ScenarioFile, load: &Load) -> FleetArgs {
    let sensors = load.sensors.unwrap_or(1_000);
    FleetArgs {
        sensors,
        gateways: load.gateways.unwrap_or(sensors),
        subscribers: load.subscribers.unwrap_or(1),
        stalled: load.stalled_subscribers.unwrap_or(0),
        sites: load.sites.unwrap_or(1),
        kinds: load
            .kinds
            .clone()
            .unwrap_or_else(|| vec!["temp".to_owned()]),
        topic: load
            .topic
            .clone()
            .unwrap_or_else(|| "site/{site}/{kind}/{id}".to_owned()),
        interval_secs: load.interval_secs.unwrap_or(10.0),
        jitter: load.jitter.unwrap_or(0.0),
        phase: load.phase.unwrap_or_default(),
        form: load.payload.unwrap_or_default(),
        payload_bytes: load.payload_bytes.unwrap_or(64),
        value: load.value.clone().unwrap_or_default(),
        qos: load.qos.unwrap_or(0),
        phases: phases(file),
    }
}
