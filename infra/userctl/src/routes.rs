//! The routes for `cargo lambda watch`: a section of Cargo.toml, made from the template. It has no default route.

use std::collections::{BTreeMap, BTreeSet};

use template::Template;

/// The section's first line.
const HEADER: &str = "[workspace.metadata.lambda.watch.router]\n";

/// The section: for each path the methods with their binaries.
#[must_use]
pub fn section(template: &Template) -> String {
    let binaries: BTreeMap<_, _> = template.functions().map(|(id, binary, _)| (id, binary)).collect();
    let routes: BTreeMap<(&str, &str), &str> = template
        .routes()
        .filter_map(|(id, route)| Some(((route.path.as_deref()?, route.method.as_deref()?), *binaries.get(id)?)))
        .collect();
    let paths: BTreeSet<_> = routes.keys().map(|(path, _)| *path).collect();
    let lines = paths.into_iter().map(|path| {
        let mut methods = BTreeMap::new();
        for ((pattern, method), binary) in &routes {
            // cargo lambda looks for the path and then for its method, API Gateway for both at once. So a path also gets the methods of the
            // patterns that match it.
            if *pattern == path {
                methods.insert(*method, *binary);
            } else if covers(pattern, path) {
                methods.entry(*method).or_insert(*binary);
            }
        }
        let methods =
            methods.iter().map(|(method, binary)| format!("{{ method = \"{method}\", function = \"{binary}\" }}"));
        format!("\"{path}\" = [{}]\n", methods.collect::<Vec<_>>().join(", "))
    });
    HEADER.to_owned() + &lines.collect::<String>()
}

/// Whether a request for `path` matches `pattern`, such as `/users/{user_id}`.
fn covers(pattern: &str, path: &str) -> bool {
    let fits = |(wanted, given): (&str, &str)| wanted == given || (wanted.starts_with('{') && !given.is_empty());
    pattern.split('/').count() == path.split('/').count() && pattern.split('/').zip(path.split('/')).all(fits)
}

/// `manifest` with `section` in place of the present one, which ends at an empty line; `None` if there is none.
#[must_use]
pub fn replaced(manifest: &str, section: &str) -> Option<String> {
    let start = manifest.find(HEADER)?;
    let rest = &manifest[start..];
    let end = rest.find("\n\n").map_or(rest.len(), |end| end + 1);
    Some(format!("{}{section}{}", &manifest[..start], &rest[end..]))
}
