//! The text of a test that a table names: `path::function` of Rust or Python, or the path of a script
//! or a table of cases on the wire.
//!
//! The text of a function is its comments, its attributes and its body.

use crate::statement::root;

/// The text, or why there is none.
pub(crate) fn text(name: &str) -> Result<String, String> {
    let (path, function) = match name.split_once("::") {
        Some((path, function)) => (path, Some(function)),
        None => (name, None),
    };
    let file = std::fs::read_to_string(root().join(path)).map_err(|e| e.to_string())?;
    let lines: Vec<&str> = file.lines().collect();
    match function {
        None if path.ends_with(".wire") || path.ends_with(".cases") => Ok(file),
        Some(function) if path.ends_with(".rs") => rust_test(&lines, function),
        Some(function) if path.ends_with(".py") => python_function(&lines, function),
        _ => Err("no test is named like this".to_owned()),
    }
}

fn rust_test(lines: &[&str], function: &str) -> Result<String, String> {
    let head = format!("fn {function}(");
    let at = lines
        .iter()
        .position(|line| line.trim_start().starts_with(&head))
        .ok_or("no such function")?;
    let belongs = |line: &&&str| {
        let line = line.trim_start();
        line.starts_with("///") || line.starts_with("#[")
    };
    let above = lines[..at].iter().rev().take_while(belongs).count();
    let attributes = &lines[at - above..at];
    if !attributes.iter().any(|line| line.trim() == "#[test]") {
        return Err("not a test".to_owned());
    }
    let indent = lines[at].len() - lines[at].trim_start().len();
    let end = format!("{}}}", " ".repeat(indent));
    let below = lines[at..].iter().take_while(|line| ***line != end).count();
    Ok(lines[at - above..at + below].join("\n"))
}

fn python_function(lines: &[&str], function: &str) -> Result<String, String> {
    let head = format!("def {function}(");
    let at = lines
        .iter()
        .position(|line| line.starts_with(&head))
        .ok_or("no such function")?;
    let body = lines[at + 1..]
        .iter()
        .take_while(|line| line.is_empty() || line.starts_with(' '))
        .count();
    Ok(lines[at..=at + body].join("\n"))
}
