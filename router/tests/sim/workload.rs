//! What clients do while faults are on: connect, subscribe, publish, disconnect. When all is quiet they
//! only come back and answer. What goes wrong with them stands in `faults`.

use ringmq_codec::{Qos, RetainHandling, SubscriptionOptions, Version};

use crate::client::{ClientIndex, Phase, PublishOrder, Role};
use crate::client_connect::{ConnectOrder, WillOrder};
use crate::network::Loss;
use crate::plan::DELAY_SECS_MAX;
use crate::time::SECOND;
use crate::topics::{FilterId, TopicId};
use crate::world::{Event, World};

/// Bytes a client lets wait on its side before it publishes no more.
const UPSTREAM_MAX: usize = 32 << 10;

/// The first filters of the table, which are wildcards mostly.
const BROAD_FILTERS: u64 = 26;

/// The QoS of that number, 2 at most.
pub(crate) fn qos(number: u64) -> Qos {
    match number {
        0 => Qos::AtMostOnce,
        1 => Qos::AtLeastOnce,
        _ => Qos::ExactlyOnce,
    }
}

impl World {
    /// One step of a client, and the time of the next.
    pub(crate) fn step(&mut self, client: ClientIndex) {
        let at = self.now.plus(1 + self.workload.around(self.plan.step_mean));
        self.schedule(at, Event::Step(client));
        match self.clients[usize::from(client.0)].role {
            _ if self.stopping => {}
            Role::Worker => self.worker_step(client),
            Role::Watcher | Role::Late | Role::Drill => {
                if self.clients[usize::from(client.0)].phase == Phase::Online {
                    self.keep_alive(client);
                }
            }
        }
    }

    fn worker_step(&mut self, client: ClientIndex) {
        let held = &self.clients[usize::from(client.0)];
        match held.phase {
            Phase::Offline => {
                if self.now >= held.connect_at || self.quiet {
                    self.worker_connect(client);
                }
            }
            Phase::Connecting => {
                if !self.quiet && self.faults.chance(20) {
                    self.lose(client, Loss::Reset);
                }
            }
            Phase::Online => {
                if !self.quiet && self.strike(client) {
                    return;
                }
                self.keep_alive(client);
                if !self.quiet {
                    self.act(client);
                }
            }
        }
    }

    /// When a client that lost its connection comes back.
    pub(crate) fn plan_reconnect(&mut self, client: ClientIndex) {
        let wait = match self.workload.below(10) {
            0..=4 => self.workload.below(SECOND / 4),
            5..=7 => self.workload.below(3 * SECOND),
            _ => self.workload.below(8 * SECOND),
        };
        let at = self.now.plus(wait);
        self.clients[usize::from(client.0)].connect_at = at;
    }

    fn keep_alive(&mut self, client: ClientIndex) {
        let held = &self.clients[usize::from(client.0)];
        let every = u64::from(held.keep_alive_secs) * SECOND * 7 / 10;
        if every > 0 && self.now.since(held.last_written) > every {
            self.with_client(client, |client, context| client.ping(context.now));
        }
    }

    pub(crate) fn worker_connect(&mut self, client: ClientIndex) {
        let plan = self.clients[usize::from(client.0)].plan.clone();
        let persistent = !self.leaving && (self.quiet || self.workload.chance(plan.persistent));
        let mut order = ConnectOrder {
            clean: !persistent || plan.assigned || self.workload.chance(30),
            expiry_secs: 0,
            will: None,
        };
        if persistent && !plan.assigned {
            order.expiry_secs = match self.quiet {
                true => 3_600,
                false => *self.workload.pick(&[1, 2, 3, DELAY_SECS_MAX, 30, u32::MAX]),
            };
        }
        if !self.quiet && self.workload.chance(400) {
            let will = WillOrder {
                qos: qos(self.workload.below(3)),
                delay_secs: *self.workload.pick(&[0, 0, 1, 2, DELAY_SECS_MAX]),
                payload_len: self.workload.within(12..=40) as usize,
            };
            if will.delay_secs > 0 && plan.version.is_v5() {
                self.coverage.hit("will delayed");
            }
            order.will = Some(will);
        }
        self.connect(client, &order);
        if plan.assigned {
            self.coverage.hit("session without a name");
        }
        let clean = order.clean || plan.assigned;
        if !self.quiet && clean && self.faults.chance(200) {
            self.speak_early(client);
        }
    }

    /// Opens a connection as ordered.
    pub(crate) fn connect(&mut self, client: ClientIndex, order: &ConnectOrder) {
        let socket = self.open_socket(client);
        let expiry_secs_max = self.plan.settings.session_expiry_secs_max;
        self.with_client(client, |client, context| {
            client.connect(context, socket, order, expiry_secs_max);
        });
    }

    fn act(&mut self, client: ClientIndex) {
        let held = &self.clients[usize::from(client.0)];
        let Some((attempt, socket)) = held.attempt.zip(held.socket) else {
            return;
        };
        let crowded = self.sockets[socket.0 as usize].upstream.len() > UPSTREAM_MAX;
        let garbled = self.oracle.attempts[attempt.0 as usize].sent_garbage;
        if crowded || garbled {
            return;
        }
        let subscribed = self.oracle.filters_of(attempt).len() as u64;
        match self.workload.below(100) {
            _ if self.workload.below(6) >= subscribed * 3 => self.subscribe_some(client),
            0..=49 => self.publish_one(client, false),
            50..=69 => self.publish_one(client, true),
            70..=75 => self.publish_burst(client),
            76..=84 => self.subscribe_some(client),
            85..=90 => self.unsubscribe_some(client),
            91..=93 => self.leave(client),
            _ => {}
        }
    }

    fn expiry(&mut self) -> Option<u32> {
        let expires = self.workload.chance(self.plan.expiring);
        expires.then(|| *self.workload.pick(&[1, 1, 1, 2, 4, 30, 3_600]))
    }

    pub(crate) fn shared_publish(&mut self, client: ClientIndex) -> PublishOrder {
        let topics = u64::from(self.oracle.topics.shared());
        let topic = match self.workload.chance(self.plan.sharing) {
            true => self.oracle.topics.group_topic(self.workload.next()),
            false => TopicId(self.workload.below(topics) as u16),
        };
        PublishOrder {
            topic,
            qos: qos(self.workload.below(3)),
            retain: false,
            clears: false,
            payload_len: self.workload.within(12..=self.plan.payload_max) as usize,
            expiry_secs: self.expiry(),
            adorned: self.workload.chance(100),
            stream: self.clients[usize::from(client.0)].stream,
        }
    }

    fn retained_publish(&mut self, client: ClientIndex) -> PublishOrder {
        let count = self.oracle.topics.retained_per_client();
        let k = self.workload.below(u64::from(count)) as u16;
        let clears = self.workload.chance(80);
        PublishOrder {
            topic: self.oracle.topics.retained(client, k),
            qos: qos(u64::from(k) % 3),
            retain: true,
            clears,
            payload_len: self.workload.within(12..=self.plan.retained_payload_max) as usize,
            expiry_secs: self.expiry().filter(|_| !clears),
            adorned: !clears && self.workload.chance(50),
            stream: self.clients[usize::from(client.0)].stream,
        }
    }

    fn publish_one(&mut self, client: ClientIndex, retained: bool) {
        // A publisher without a name has no order across its connections, so no last value.
        let retained = retained && !self.clients[usize::from(client.0)].plan.assigned;
        let order = match retained {
            true => self.retained_publish(client),
            false => self.shared_publish(client),
        };
        self.publish(client, order);
    }

    /// Several publishes in one go: of all kinds, or of one topic like readings of a sensor.
    fn publish_burst(&mut self, client: ClientIndex) {
        let count = self.workload.within(2..=self.plan.burst_max);
        if self.workload.chance(500) {
            for _ in 0..count {
                let retained = self.workload.chance(300);
                self.publish_one(client, retained);
            }
            return;
        }
        let mut order = self.shared_publish(client);
        if self.workload.chance(700) {
            order.qos = Qos::AtMostOnce;
        }
        self.coverage
            .hit("publisher says one topic several times in a row");
        for _ in 0..count {
            order.payload_len = self.workload.within(12..=self.plan.payload_max) as usize;
            self.publish(client, order);
        }
    }

    fn publish(&mut self, client: ClientIndex, order: PublishOrder) {
        if order.qos > Qos::AtMostOnce && !self.clients[usize::from(client.0)].may_publish() {
            return;
        }
        self.with_client(client, |client, context| {
            client.publish(context, order);
        });
    }

    pub(crate) fn subscription(&mut self, client: ClientIndex) -> (FilterId, SubscriptionOptions) {
        if self.workload.chance(self.plan.sharing) {
            let filters: Vec<FilterId> = self.oracle.topics.group_filters().collect();
            let filter = *self.workload.pick(&filters);
            let options = SubscriptionOptions::v3(qos(self.workload.below(3)));
            return (filter, options);
        }
        let filters = match self.workload.chance(500) {
            true => BROAD_FILTERS,
            false => u64::from(self.oracle.topics.filters()),
        };
        let filter = FilterId(self.workload.below(filters) as u16);
        let mut options = SubscriptionOptions::v3(qos(self.workload.below(3)));
        if self.clients[usize::from(client.0)].version() == Version::V5 {
            options.no_local = self.workload.chance(100);
            options.retain_as_published = self.workload.chance(150);
            options.retain_handling = *self.workload.pick(&[
                RetainHandling::Send,
                RetainHandling::Send,
                RetainHandling::Send,
                RetainHandling::SendIfNew,
                RetainHandling::DoNotSend,
            ]);
        }
        (filter, options)
    }

    /// A subscription identifier for v5, mostly; some stand for several subscriptions.
    pub(crate) fn identifier(&mut self, client: ClientIndex) -> Option<u32> {
        let v5 = self.clients[usize::from(client.0)].version() == Version::V5;
        let wanted = v5 && self.workload.chance(700);
        wanted.then(|| {
            *self
                .workload
                .pick(&[1, 2, 3, 127, 128, 20_000, 268_435_455])
        })
    }

    fn subscribe_some(&mut self, client: ClientIndex) {
        let mut wanted: Vec<(FilterId, SubscriptionOptions)> = Vec::new();
        for _ in 0..self.workload.within(1..=3) {
            let subscription = self.subscription(client);
            if wanted.iter().all(|(filter, _)| *filter != subscription.0) {
                wanted.push(subscription);
            }
        }
        let identifier = self.identifier(client);
        self.with_client(client, |client, context| {
            client.subscribe(context, &wanted, identifier);
        });
    }

    fn unsubscribe_some(&mut self, client: ClientIndex) {
        let Some(attempt) = self.clients[usize::from(client.0)].attempt else {
            return;
        };
        let mut filters = self.oracle.filters_of(attempt);
        if filters.is_empty() {
            return;
        }
        let keep = self.workload.below(filters.len() as u64) as usize;
        let wanted = filters.split_off(keep);
        let wanted = &wanted[..wanted.len().min(2)];
        self.with_client(client, |client, context| {
            client.unsubscribe(context, wanted)
        });
    }

    /// A client says DISCONNECT and closes.
    fn leave(&mut self, client: ClientIndex) {
        let will = self.workload.chance(200);
        let lives = [0, 1, DELAY_SECS_MAX, 30, u32::MAX];
        let changes = self.workload.chance(300);
        let expiry_secs = changes.then(|| *self.workload.pick(&lives));
        let expiry_secs_max = self.plan.settings.session_expiry_secs_max;
        self.with_client(client, |client, context| {
            client.say_goodbye(context, will, expiry_secs, expiry_secs_max);
        });
        self.lose(client, Loss::Fin);
    }
}
