//! The reference for everything that matches topics: filter against topic, level by level, as the
//! specification reads. Used by the fuzz target `index` and by the differential test, and by nothing that
//! ships; it must stay too short to be wrong.

/// Whether a valid filter matches a valid topic. [v5 4.7] [v3.1.1 4.7]
pub(crate) fn matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let mut levels = topic.split('/');
    for wanted in filter.split('/') {
        match (wanted, levels.next()) {
            ("#", _) => return true,
            ("+", Some(_)) => {}
            (wanted, Some(level)) if wanted == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}
