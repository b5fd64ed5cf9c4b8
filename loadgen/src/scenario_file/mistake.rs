//! What is wrong with a scenario file, said so that it can be put right: the line, and for a key that
//! nobody knows the nearest that is known.

/// The candidate that looks most like `text`; empty when there is none.
pub(super) fn nearest<'c>(text: &str, candidates: impl Iterator<Item = &'c str>) -> &'c str {
    let score = |candidate: &str| strsim::jaro_winkler(text, candidate);
    candidates
        .max_by(|a, b| score(a).total_cmp(&score(b)))
        .unwrap_or_default()
}

/// An error of the TOML reader. Its message for an unknown name lists what it expected, all of it in
/// backquotes, the unknown one first.
pub(super) fn explain(error: &toml::de::Error) -> String {
    let text = error.to_string();
    let names: Vec<&str> = error.message().split('`').skip(1).step_by(2).collect();
    let [unknown, known @ ..] = names.as_slice() else {
        return text;
    };
    if known.is_empty() || !error.message().starts_with("unknown") {
        return text;
    }
    let nearest = nearest(unknown, known.iter().copied());
    format!("{}\ndid you mean `{nearest}`?", text.trim_end())
}
