//! What must hold whatever clients send and in whatever order things happen: no shard panics, what it
//! puts out is well formed and goes to connections that exist, it comes to rest, and when all clients are
//! gone nothing of them is left.
//!
//! The fuzz target and the replay of its corpus call [`check`]. The bytes are a script: the first two
//! choose the settings, each later one an action, followed by what the action wants to know. A script
//! that ends in the middle of an action reads zeros.

mod actions;
mod client;
mod packets;
mod script;
mod world;

use script::Script;
use world::World;

/// Plays the script to its end, then takes everything down.
pub(crate) fn check(data: &[u8]) {
    let mut script = Script::new(data);
    let mut world = World::new(&mut script);
    while !script.is_at_end() {
        act(&mut world, &mut script);
    }
    world.take_down();
}

/// One action. Those that lead deep come more often.
fn act(world: &mut World, script: &mut Script<'_>) {
    let action = script.below(32);
    let client = script.below(world.clients()) as usize;
    match action {
        0..18 => {
            let mut bytes = Vec::new();
            let version = world.version_of(client);
            packets::append(script, version, &mut bytes);
            world.write(client, &mut bytes, script);
        }
        18 => {
            let length = script.below(16);
            let mut bytes = script.bytes(length);
            world.write(client, &mut bytes, script);
        }
        19 => world.open(client, script),
        20 => world.flush(client, script),
        21 => world.close(client, script),
        22 => world.block_or_ready(client),
        23 => world.fill_or_empty_link(script),
        24 => world.advance(script),
        25 => world.end_tick(script),
        26 => world.deliver_one(script),
        27 => world.judge(client, script),
        28 => world.command(script),
        29 => world.change_settings(script),
        30 => world.let_be_durable(script),
        _ => world.settle(),
    }
}
