//! The throttling of routes (`DefaultRouteSettings` and `RouteSettings` of an HTTP API).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Resource, Template, text};

/// The throttling of a route, or of all routes without their own.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct Throttle {
    #[serde(default)]
    pub throttling_rate_limit: Value,
}

/// The throttling of an HTTP API.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(missing_docs, reason = "SAM's names")]
pub struct Throttles {
    #[serde(default)]
    pub default_route_settings: Throttle,
    /// By route, such as `POST /api/v1/auth/login`.
    #[serde(default)]
    pub route_settings: BTreeMap<String, Throttle>,
}

impl Template {
    /// How many calls a second the gateway accepts for a route, such as `GET /api/v1/me`; `None` without a limit.
    #[must_use]
    pub fn calls_per_second(&self, route: &str) -> Option<f64> {
        self.resources.values().find_map(|resource| match resource {
            Resource::HttpApi { properties } => {
                let throttles = &properties.throttles;
                let own = throttles.route_settings.get(route).unwrap_or(&throttles.default_route_settings);
                text(&own.throttling_rate_limit).parse().ok()
            }
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_that_takes_a_password_has_a_limit_of_its_own() {
        let setting = |name: &str| (name == "PASSWORD_REQUESTS_PER_SECOND").then(|| "7".to_owned());
        let template = Template::evaluate(setting).unwrap();
        assert_eq!(template.calls_per_second("POST /api/v1/auth/login"), Some(7.0));
        assert_eq!(template.calls_per_second("GET /api/v1/me"), Some(100.0));
    }

    #[test]
    fn every_limit_is_of_a_route() {
        let template = Template::evaluate(|_| None).unwrap();
        let routes: Vec<_> = template.routes().map(|(_, route)| route.key()).collect();
        for resource in template.resources.values() {
            if let Resource::HttpApi { properties } = resource {
                for route in properties.throttles.route_settings.keys() {
                    assert!(routes.contains(route), "{route}");
                }
            }
        }
    }
}
