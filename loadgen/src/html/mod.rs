//! Pages to read: the report of a run, and the parts that `compare` and `history` make theirs of.
//!
//! A page is one file that needs nothing else: style, script and drawings are inside, and no address of a
//! network is in it. `scale` turns values into positions, `chart` draws, `curve` samples histograms,
//! `page` puts together; `run`, `over_time` and `circumstances` say what a run shows. Nothing here measures or judges.

mod chart;
mod circumstances;
mod curve;
mod number;
mod over_time;
mod page;
mod run;
mod scale;

pub(crate) use chart::{Chart, Look, Series, Size};
pub(crate) use curve::{Curve, chart as curve_chart};
pub(crate) use number::Unit;
pub(crate) use page::{Mood, Page, Tile, escape};
pub(crate) use run::run_report;
pub(crate) use scale::Scale;
