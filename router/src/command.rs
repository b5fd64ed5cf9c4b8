//! Orders and questions of the control plane, each answered once.

use crate::session::Flag;
use crate::{Answer, CloseReason, Command, CommandId, Output, Outputs, Shard};

impl Shard {
    /// Does what is asked and answers.
    pub(crate) fn on_command(&mut self, id: CommandId, command: Command, outputs: &mut Outputs) {
        let answer = match command {
            Command::Stats => Answer::Stats(Box::new(self.stats())),
            Command::Disconnect { client_id } => self.disconnect_client(&client_id, outputs),
            Command::Trace { client_id, on } => self.trace(&client_id, on),
        };
        outputs.list.push(Output::Answer { id, answer });
    }

    fn disconnect_client(&mut self, client_id: &str, outputs: &mut Outputs) -> Answer {
        let connection = self
            .sessions
            .find(client_id)
            .and_then(|index| self.sessions.hot(index).live_connection());
        let Some(connection) = connection else {
            return Answer::NotFound;
        };
        self.close(connection, CloseReason::Administrative, outputs);
        Answer::Done
    }

    fn trace(&mut self, client_id: &str, on: bool) -> Answer {
        let Some(index) = self.sessions.find(client_id) else {
            return Answer::NotFound;
        };
        self.sessions.hot_mut(index).set(Flag::Traced, on);
        Answer::Done
    }
}
