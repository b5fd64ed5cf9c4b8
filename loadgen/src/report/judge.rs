//! Judging a run: what must not be, by the promises of each QoS and of a broker that is up.

use ringmq_codec::Qos;

use crate::report::LoadReport;

/// What nobody can explain.
pub(super) const UNACCOUNTED: &str =
    "messages neither delivered nor counted as dropped by the broker";

impl LoadReport {
    /// What must not be: the promises of each QoS, and of a broker that is up.
    pub(super) fn judge(&self) -> Vec<String> {
        let qos = Qos::from_bits(self.scenario.qos).unwrap_or(Qos::AtMostOnce);
        let is_lossless = qos != Qos::AtMostOnce;
        let unaccounted = self.unaccounted.unwrap_or(0).unsigned_abs();
        let lost = if self.unaccounted.is_some() {
            0
        } else {
            self.lost
        };
        let asked = self.connections_answered.is_some();
        let silent = self.connections - self.connections_answered.unwrap_or(self.connections);
        let rules = [
            (
                is_lossless,
                lost,
                "messages lost; QoS 1 and 2 must lose none",
            ),
            (true, unaccounted, UNACCOUNTED),
            (
                qos != Qos::AtLeastOnce,
                self.duplicated,
                "messages duplicated; only QoS 1 may",
            ),
            (
                qos == Qos::AtLeastOnce && self.scenario.shared_groups > 0,
                self.duplicated,
                "messages given twice by a shared subscription; exactly one member gets each",
            ),
            (
                true,
                self.returns.map_or(0, |returns| returns.sessions_lost),
                "sessions not kept while their clients were away",
            ),
            (true, self.reordered, "messages out of order"),
            (
                true,
                self.unexpected,
                "messages that nobody published for their subscriber",
            ),
            (true, self.corrupt, "messages not as they were sent"),
            (
                true,
                self.connections_lost,
                "connections lost during the run",
            ),
            (true, self.connect.failures, "connections failed to come up"),
            (
                asked,
                u64::from(silent),
                "connections did not answer at the end",
            ),
            (
                true,
                self.protocol_errors,
                "packets that no client should get",
            ),
        ];
        let broken = rules
            .into_iter()
            .filter(|&(applies, count, _)| applies && count > 0);
        broken
            .map(|(_, count, rule)| format!("{count} {rule}"))
            .collect()
    }
}
