//! What goes wrong with clients: lost and half-open connections, takeovers, storms of connections, readers
//! that stall, garbage, and packets sent before the broker has answered the CONNECT.

use ringmq_codec::Qos;

use crate::client::ClientIndex;
use crate::network::Loss;
use crate::oracle::StreamId;
use crate::time::SECOND;
use crate::world::World;

impl World {
    /// Sends packets behind the CONNECT without waiting for its answer. [v3.1.1 3.1.4] [v5 3.1.4]
    pub(crate) fn speak_early(&mut self, client: ClientIndex) {
        let subscription = self.subscription(client);
        let identifier = self.identifier(client);
        let attempt = self.oracle.attempts.len() as u32 - 1;
        let mut publishes = Vec::new();
        for nth in 0..self.faults.within(1..=8) {
            let mut publish = self.shared_publish(client);
            // What more of QoS 1 it may send, it does not know yet.
            let most = [Qos::AtLeastOnce, Qos::AtMostOnce][usize::from(nth > 0)];
            publish.qos = publish.qos.min(most);
            publish.stream = StreamId(2_000_000 + attempt);
            publishes.push(publish);
        }
        self.with_client(client, |client, context| {
            client.subscribe(context, &[subscription], identifier);
            for publish in publishes {
                client.publish(context, publish);
            }
        });
        self.coverage
            .hit("CONNECT followed at once by more packets");
    }

    /// Whether a fault took the client's step.
    pub(crate) fn strike(&mut self, client: ClientIndex) -> bool {
        let rates = self.plan.faults.clone();
        let mut draw = self.faults.below(1_000);
        let mut hit = |rate: u64| {
            let hit = draw < rate;
            draw = if hit {
                u64::MAX
            } else {
                draw.saturating_sub(rate)
            };
            hit
        };
        if hit(rates.reset) {
            self.lose(client, Loss::Reset);
        } else if hit(rates.fin) {
            self.lose(client, Loss::Fin);
        } else if hit(rates.half_open) {
            self.lose(client, Loss::Silence);
        } else if hit(rates.takeover) {
            self.lose(client, Loss::Ghost);
            self.worker_connect(client);
        } else if hit(rates.stall) {
            let until = self.now.plus(self.faults.below(3 * SECOND));
            if let Some(socket) = self.clients[usize::from(client.0)].socket {
                self.socket(socket).stalled_until = until;
            }
            return false;
        } else if hit(rates.garbage) {
            self.send_garbage(client);
        } else if hit(rates.storm) {
            // All at once, wherever each is accepted, or each after the end of the one before.
            let at_once = self.faults.chance(500);
            let loss = if at_once { Loss::Ghost } else { Loss::Reset };
            for _ in 0..self.faults.within(2..=6) {
                self.lose(client, loss);
                self.worker_connect(client);
            }
            if at_once {
                self.coverage.hit("storm of connections of one client");
            }
        } else {
            return false;
        }
        true
    }

    fn send_garbage(&mut self, client: ClientIndex) {
        let garbage: &[&[u8]] = &[
            &[0x00, 0x00],
            &[0x30, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
            &[0x36, 0x03, 0x00, 0x01, b'x'],
            &[0x82, 0x02, 0x00, 0x00],
            &[0x40, 0x01, 0x00],
            &[0xF3, 0x00],
        ];
        let bytes = self.faults.pick(garbage).to_vec();
        if let Some(attempt) = self.clients[usize::from(client.0)].attempt {
            self.oracle.attempts[attempt.0 as usize].sent_garbage = true;
        }
        self.with_client(client, |client, _| client.out.extend_from_slice(&bytes));
    }
}
