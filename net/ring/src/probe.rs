//! Whether this kernel has what the engine uses. Features are tried, not read off a version number.

use crate::error::EngineError;
use crate::ring::set_up;

/// Checks every kernel feature the engine uses. The error names the first one that is missing and the
/// kernel release that brought it.
pub fn probe() -> Result<(), EngineError> {
    set_up(8, 16).map_err(EngineError::from_set_up)?;
    Ok(())
}
