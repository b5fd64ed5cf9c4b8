//! Where a filter can match next in a list of topics sorted by their bytes: lets a scan jump over
//! subtrees that hold nothing for it.
//!
//! Topics that begin with the same whole levels and a `/` lie together. So when a topic fails at some
//! level, everything up to the next text that could pass there can be left out: the literal level itself,
//! if it is still to come, or else the next sibling at the deepest `+` before it.

use memchr::memchr;

/// The character after `/`: the first text beyond all that continue `level/`.
const AFTER_SLASH: u8 = b'/' + 1;

/// What a scan does after looking at a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The topic matches; look at the one after it.
    Match,
    /// It does not; look at the one after it.
    Next,
    /// It does not, nor does any before the text that was written to `target`.
    Seek,
    /// It does not, nor does any after it.
    End,
}

/// Compares a topic with a filter and says where to look next; a `target` is greater than the topic.
pub(super) fn step(filter: &[u8], topic: &[u8], target: &mut Vec<u8>) -> Step {
    if topic.first() == Some(&b'$') && matches!(filter.first(), Some(b'+' | b'#')) {
        return seek(target, &[b"%"]);
    }
    // Where the deepest level that a `+` took ends, if more of the topic follows.
    let mut wildcard_end = None;
    let mut taken_by_wildcard = false;
    let mut at = 0;
    let mut rest = Some(filter);
    while let Some(levels) = rest {
        let (level, below) = split_level(levels);
        if level == b"#" {
            return Step::Match;
        }
        if at > topic.len() {
            // The topic ends above the level. Siblings of a level that `+` took may lie before what
            // continues it.
            return if taken_by_wildcard {
                Step::Next
            } else {
                seek(target, &[topic, b"/"])
            };
        }
        let name = split_level(&topic[at..]).0;
        let end = at + name.len();
        taken_by_wildcard = level == b"+";
        if taken_by_wildcard {
            wildcard_end = (end < topic.len()).then_some(end);
        } else if level != name {
            return match first_passing(level, below.is_some(), &topic[at..]) {
                Some(continued) => {
                    let slash: &[u8] = if continued { b"/" } else { b"" };
                    seek(target, &[&topic[..at], level, slash])
                }
                None => next_sibling(topic, wildcard_end, target),
            };
        }
        at = end + 1;
        rest = below;
    }
    if at > topic.len() {
        Step::Match
    } else {
        next_sibling(topic, wildcard_end, target)
    }
}

/// Whether a text that passes the literal `level` still comes after `tail`, what the topic has from that
/// level on: the level itself (`false`), or only what continues it (`true`).
fn first_passing(level: &[u8], has_below: bool, tail: &[u8]) -> Option<bool> {
    if level > tail {
        return Some(false);
    }
    let continues = has_below && tail.starts_with(level) && tail[level.len()..] < b"/"[..];
    continues.then_some(true)
}

fn next_sibling(topic: &[u8], wildcard_end: Option<usize>, target: &mut Vec<u8>) -> Step {
    match wildcard_end {
        Some(end) => seek(target, &[&topic[..end], &[AFTER_SLASH]]),
        None => Step::End,
    }
}

fn seek(target: &mut Vec<u8>, parts: &[&[u8]]) -> Step {
    target.clear();
    parts.iter().for_each(|part| target.extend_from_slice(part));
    Step::Seek
}

/// The first level, and those below it if there are any.
fn split_level(levels: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr(b'/', levels) {
        Some(slash) => (&levels[..slash], Some(&levels[slash + 1..])),
        None => (levels, None),
    }
}
