//! The routes of the HTTP API, and how they match requests. A route that API Gateway would drop or refuse is an error.

use std::collections::HashMap;

use http::Method;
use matchit::Router;
use template::{Fault, Route, Template};

/// The template's routes.
#[derive(Default)]
pub struct Table {
    routes: HashMap<Method, Router<Target>>,
    /// Takes requests that match no other route.
    default: Option<Target>,
}

/// The target of a route.
pub(super) struct Target {
    /// The route's key.
    pub(super) key: String,
    /// The logical id of its function.
    pub(super) function: String,
}

impl Table {
    /// The routes of `template`.
    ///
    /// # Errors
    /// If API Gateway would drop or refuse a route; the message names its key and its function.
    pub fn of(template: &Template) -> Result<Self, Fault> {
        let mut table = Self::default();
        for (id, route) in template.routes() {
            table.add(id, route).map_err(|why| format!("the route {} of {id} {why}", route.key()))?;
        }
        Ok(table)
    }

    /// Adds a route of the function `id`, or returns what is wrong with it.
    fn add(&mut self, id: &str, route: &Route) -> Result<(), String> {
        let target = Target { key: route.key(), function: id.to_owned() };
        let (method, path) = match (&route.method, &route.path) {
            (None, None) => {
                let other = self.default.replace(target);
                return other.map_or(Ok(()), |other| Err(format!("is there twice: {} has it, too", other.function)));
            }
            (Some(method), Some(path)) => (method.to_uppercase(), path),
            _ => return Err("has a method without a path, or a path without a method".to_owned()),
        };
        if path.ends_with('/') {
            return Err("ends in a slash: API Gateway drops it".to_owned());
        }
        let method = method.parse().ok().filter(|_| method != "ANY");
        let routes = self.routes.entry(method.ok_or("is not of one method")?).or_default();
        routes.insert(path, target).map_err(|error| format!("is there twice: {error}"))
    }

    /// Whether there is a default route.
    pub(super) fn has_default(&self) -> bool {
        self.default.is_some()
    }

    /// The route that matches a request, with the parameters of its path.
    pub(super) fn find(&self, method: &Method, path: &str) -> Option<(&Target, HashMap<String, String>)> {
        let Some(found) = self.routes.get(method).and_then(|routes| routes.at(path).ok()) else {
            return self.default.as_ref().map(|target| (target, HashMap::new()));
        };
        let parameters = found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        Some((found.value, parameters.collect()))
    }
}
