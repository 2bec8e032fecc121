//! What the service costs on AWS: of a million calls of each route, and of a month with so many users.
//!
//! - [`budget`]: what each call uses of the database; a test measures it.
//! - [`prices`]: what AWS charges, and since when we know.
//! - [`assumptions`]: what is not measured, and what users do in a month.
//! - [`estimate`]: the three together, in dollars.
//! - `page`: how they are shown.

pub mod assumptions;
pub mod budget;
pub mod estimate;
mod page;
pub mod prices;

use serde_json::Value;
use template::{Fault, Template};

use assumptions::Behaviour;
use estimate::Costs;

/// The costs of this release under some behaviour of its users.
pub struct Report {
    costs: Costs,
    behaviour: Behaviour,
}

impl Report {
    /// The costs with the functions' memory as the template gives it.
    ///
    /// # Errors
    /// When the template cannot be evaluated.
    pub fn of(behaviour: Behaviour) -> Result<Self, Fault> {
        Ok(Self { costs: Costs::of(&Template::evaluate(|_| None)?), behaviour })
    }

    /// For people: a page in Markdown, which is `infra/docs/cost.md` when nothing but the defaults is assumed.
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
