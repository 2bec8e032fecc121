//! What the service costs on AWS: for a million calls of each route, and for a month with a given number of users.
//!
//! - [`budget`]: what each call uses of the database; a test measures it.
//! - [`prices`]: the prices of AWS, and their dates.
//! - [`assumptions`]: what is not measured, and what users do in a month.
//! - [`estimate`]: the three combined, in dollars.
//! - `page`: the report as text and JSON.

pub mod assumptions;
pub mod budget;
pub mod estimate;
mod page;
pub mod prices;

use serde_json::Value;
use template::{Fault, Template};

use assumptions::Behaviour;
use estimate::Costs;

/// The costs of this release for an assumed behaviour of its users.
pub struct Report {
    costs: Costs,
    behaviour: Behaviour,
}

impl Report {
    /// The costs with the memory that the template gives the functions.
    ///
    /// # Errors
    /// If the template cannot be evaluated.
    pub fn of(behaviour: Behaviour) -> Result<Self, Fault> {
        Ok(Self { costs: Costs::of(&Template::evaluate(|_| None)?), behaviour })
    }

    /// For people: a page in Markdown; with the default behaviour it is `infra/docs/cost.md`.
    #[must_use]
    pub fn text(&self) -> String {
        page::text(&self.costs, &self.behaviour)
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        page::json(&self.costs, &self.behaviour)
    }
}
